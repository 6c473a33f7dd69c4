"""Starts a farm by `drover up`, asks it through the command line, stops it.

SPDX-License-Identifier: Apache-2.0
"""

import json
import os
import select
import signal
import subprocess
import sys
import time


class FarmError(Exception):
    """A command of the farm did not do what it had to; the text says which and how."""


def stop_farms_on_sigterm():
    """What stops a farm when a program ends is run, and a second SIGTERM does not cut it off."""
    def end_once(*_):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        sys.exit(1)

    signal.signal(signal.SIGTERM, end_once)


def alive(pid):
    """Whether the process runs: one that is a zombie has ended."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def send_all(pids, how):
    """A signal to each process that is still there."""
    for pid in pids:
        try:
            os.kill(pid, how)
        except ProcessLookupError:
            pass


def start_ticks(pid):
    """When the process started, in the kernel's ticks; tells it from a later one of that number."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return int(file.read().rsplit(")", 1)[1].split()[19])
    except (FileNotFoundError, ProcessLookupError):
        return None


def agent_of(parent):
    """The agent below the drover-host `parent`; None while there is none."""
    try:
        with open(f"/proc/{parent}/task/{parent}/children", encoding="ascii") as file:
            for pid in map(int, file.read().split()):
                if os.readlink(f"/proc/{pid}/exe").endswith("/drover-host"):
                    return pid
    except OSError:
        return None
    return None


def wait_until(question, seconds, what):
    """Asks until the answer is true and returns it; an answer in time is a bound, not a pause."""
    end = time.monotonic() + seconds
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > end:
            raise FarmError(f"not within {seconds} s: {what}")
        time.sleep(0.05)


class Farm:
    """One `drover up` and what can be asked of it."""

    def __init__(self, programs, folder):
        self.programs = os.path.abspath(programs)
        self.folder = os.path.abspath(folder)
        self.process = None
        self.ready_line = ""

    @property
    def address(self):
        return os.path.join(self.folder, "drover.sock")

    def start(self, *options, seconds=60):
        """Returns once the farm has said `ready`."""
        errors = os.path.join(self.folder, "logs", "up.log")
        os.makedirs(os.path.dirname(errors), exist_ok=True)
        with open(errors, "ab") as log:
            self.process = subprocess.Popen(
                [os.path.join(self.programs, "drover"), "up", "--dir", self.folder, *options],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
                start_new_session=True)
        end = time.monotonic() + seconds
        line = b""
        while not line.endswith(b"\n"):
            left = end - time.monotonic()
            readable, _, _ = select.select([self.process.stdout], [], [], max(0, left))
            piece = os.read(self.process.stdout.fileno(), 4096) if readable else b""
            if not piece:
                with open(errors, encoding="utf-8", errors="replace") as log:
                    said = log.read().strip().splitlines()[-5:]
                self.stop()
                raise FarmError("the farm did not come up: "
                                + " | ".join(said or ["no word of it"]))
            line += piece
        self.ready_line = line.decode().strip()
        if not self.ready_line.startswith("ready") or " missing=" in self.ready_line:
            self.stop()
            raise FarmError(f"the farm said: {self.ready_line}")
        return self.ready_line

    def stop(self, seconds=30):
        """Stops it as a person would; returns its exit code."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise FarmError(f"`drover up` did not stop within {seconds} s of SIGTERM") from None
        finally:
            self.process.stdout.close()
            self.process = None
        return code

    def run(self, *words, seconds=120):
        """The finished command, whatever its exit code; output as bytes."""
        return subprocess.run(
            [os.path.join(self.programs, "drover"), "--farm", self.address, *map(str, words)],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False)

    def text(self, *words, codes=(0,), seconds=120):
        done = self.run(*words, seconds=seconds)
        if done.returncode not in codes:
            raise FarmError(f"drover {' '.join(map(str, words))}: exit code {done.returncode}: "
                            + done.stderr.decode(errors="replace").strip()[-500:])
        return done.stdout.decode(errors="replace")

    def ask(self, *words, codes=(0,)):
        return json.loads(self.text(*words, "--json", codes=codes))

    def log(self, build, step, attempt=None):
        """The stored bytes of a step's log."""
        more = ("--attempt", attempt) if attempt else ()
        done = self.run("log", build, step, "--raw", *more, seconds=600)
        if done.returncode != 0:
            raise FarmError(f"drover log {build} {step}: exit code {done.returncode}: "
                            + done.stderr.decode(errors="replace").strip()[-500:])
        return done.stdout

    def pid(self, program):
        """The process id of the coordinator or a host; None while it is down."""
        try:
            path = os.path.join(self.folder, "pids", program + ".pid")
            with open(path, encoding="ascii") as file:
                return int(file.read())
        except (FileNotFoundError, ValueError):
            return None

    def host(self, name):
        for one in self.ask("hosts")["hosts"]:
            if one["name"] == name:
                return one
        return {"name": name, "state": "unknown", "restarts": 0}

    def processes_left(self):
        """Processes that still work in the farm's folder: [(pid, command line)]."""
        found = []
        for name in os.listdir("/proc"):
            if not name.isdigit() or int(name) == os.getpid():
                continue
            try:
                with open(f"/proc/{name}/cmdline", "rb") as file:
                    words = file.read().split(b"\0")
                place = os.readlink(f"/proc/{name}/cwd")
            except OSError:
                continue
            here = self.folder.encode()
            if (place + "/").startswith(self.folder + "/") or any(
                    word == here or word.startswith(here + b"/") for word in words):
                if alive(int(name)):
                    found.append((int(name), b" ".join(words).decode(errors="replace")))
        return found
