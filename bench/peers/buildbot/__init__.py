"""Buildbot out of its Debian packages, unpacked into a folder of its own: nothing is installed.

SPDX-License-Identifier: Apache-2.0
"""

import glob
import json
import os
import shutil
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGES = ["buildbot", "buildbot-worker"]
START_SECONDS = 60  # a master that has not begun by then will not
ORDER_SECONDS = 600


class NotHere(Exception):
    """Buildbot can't be had on this machine; the text says why."""


def unpack(cache):
    """The folder that holds Buildbot and what it needs; made on the first call."""
    root = os.path.join(cache, "buildbot")
    done = os.path.join(root, "unpacked")
    if os.path.exists(done):
        return root
    if not shutil.which("apt-get") or not shutil.which("dpkg"):
        raise NotHere("its packages are Debian's, and there is no apt-get here")
    shutil.rmtree(root, ignore_errors=True)
    archives = os.path.join(root, "archives")
    os.makedirs(os.path.join(archives, "partial"))
    got = subprocess.run(
        ["apt-get", "install", "--yes", "--download-only", "--no-install-recommends",
         "-o", "Debug::NoLocking=1", "-o", f"Dir::Cache::archives={archives}",
         *PACKAGES], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    packages = glob.glob(os.path.join(archives, "*.deb"))
    if got.returncode != 0 or not packages:
        said = (got.stderr or got.stdout).strip().splitlines()
        raise NotHere("its packages could not be fetched: " + (said[-1] if said else "no answer"))
    for package in packages:
        subprocess.run(["dpkg", "-x", package, root], check=True)
    shutil.rmtree(archives)
    with open(done, "w", encoding="ascii"):
        pass
    return root


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Buildbot:
    """A master and a worker; `ask` has builds done and says how long they took."""

    def __init__(self, cache, folder, producer, slots=1):
        self.root = unpack(cache)
        self.folder = folder
        self.socket_path = os.path.join(folder, "orders")
        self.port = free_port()
        self.processes = []
        self.connection = None
        libraries = glob.glob(os.path.join(self.root, "usr/lib/*-linux-gnu"))
        settings = {"socket": self.socket_path, "port": self.port, "producer": producer,
                    "slots": slots}
        self.environment = {
            **os.environ, "PYTHONPATH": os.path.join(self.root, "usr/lib/python3/dist-packages"),
            "LD_LIBRARY_PATH": ":".join(libraries), "BENCH_BUILDBOT": json.dumps(settings),
            "PYTHONDONTWRITEBYTECODE": "1"}

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def script(self, name):
        return ["/usr/bin/python3", os.path.join(self.root, "usr/bin", name)]

    def make(self, *words):
        done = subprocess.run(words, cwd=self.folder, env=self.environment, capture_output=True,
                              text=True, check=False, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip().splitlines()
            raise NotHere(f"it can't be set up: {said[-1] if said else 'it says nothing'}")

    def start(self):
        os.makedirs(self.folder, exist_ok=True)
        self.make(*self.script("buildbot"), "create-master", "--no-logrotate", "master")
        shutil.copy(os.path.join(HERE, "master.cfg"), os.path.join(self.folder, "master"))
        self.make(*self.script("buildbot-worker"), "create-worker", "worker",
                  f"127.0.0.1:{self.port}", "w1", "bench")
        self.run(*self.script("buildbot"), "start", "--nodaemon", "master")
        self.connect()
        self.run(*self.script("buildbot-worker"), "start", "--nodaemon", "worker")
        self.ask("noop", 1)  # answers once the worker is there

    def run(self, *words):
        with open(os.path.join(self.folder, "output.log"), "ab") as log:
            self.processes.append(subprocess.Popen(words, cwd=self.folder, env=self.environment,
                                                   stdin=subprocess.DEVNULL, stdout=log,
                                                   stderr=log))

    def connect(self):
        end = time.monotonic() + START_SECONDS
        while True:
            self.connection = socket.socket(socket.AF_UNIX)
            self.connection.settimeout(ORDER_SECONDS)
            try:
                self.connection.connect(self.socket_path)
                return
            except OSError:
                self.connection.close()
                self.connection = None
            if time.monotonic() > end or self.processes[0].poll() is not None:
                raise NotHere("its master does not start: " + self.last_words())
            time.sleep(0.1)

    def last_words(self):
        for name in ("master/twistd.log", "output.log"):
            try:
                with open(os.path.join(self.folder, name), encoding="utf-8") as log:
                    lines = log.read().strip().splitlines()
            except OSError:
                continue
            if lines:
                return lines[-1][-300:]
        return "it says nothing"

    def ask(self, builder, count):
        """Seconds from the first submission to the end of the last build."""
        self.connection.sendall(f"{builder} {count}\n".encode())
        line = b""
        while not line.endswith(b"\n"):
            piece = self.connection.recv(4096)
            if not piece:
                raise NotHere("its master has gone: " + self.last_words())
            line += piece
        answer = json.loads(line)
        if "problem" in answer:
            raise NotHere(f"its build failed: {answer['problem']}")
        return answer["seconds"]

    def stop(self):
        if self.connection is not None:
            self.connection.close()
        for process in reversed(self.processes):
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                print("bench: Buildbot did not stop, killing it", file=sys.stderr)
                process.kill()
                process.wait()
        self.processes = []
