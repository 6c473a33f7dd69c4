#!/usr/bin/env python3
"""The units for systemd: systemd accepts them, the programs know every option that they give, and
tell the service manager when they are ready and when they stop.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import glob
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import unittest

import farm
from farm import FarmCase, TOP, wait_until

UNITS = sorted(glob.glob(os.path.join(TOP, "packaging", "systemd", "*.service")))


def settings(path):
    """[(section, name, value)] of a unit file."""
    found = []
    section = ""
    with open(path, encoding="utf-8") as file:
        for line in file.read().splitlines():
            if line.startswith("["):
                section = line.strip("[]")
            elif line and not line.startswith("#"):
                name, value = line.split("=", 1)
                found.append((section, name, value))
    return found


def one(path, name):
    values = [value for _, key, value in settings(path) if key == name]
    return values[-1] if values else None


class Units(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="drover-units-")
        self.addCleanup(shutil.rmtree, self.folder)

    def test_there_is_one_for_each_program_of_a_farm(self):
        self.assertEqual([os.path.basename(path) for path in UNITS],
                         ["drover-coordinator.service", "drover-host.service"])

    def test_the_programs_know_the_options(self):
        for path in UNITS:
            words = one(path, "ExecStart").split()
            program = os.path.join(farm.PROGRAMS, os.path.basename(words[0]))
            help_text = subprocess.run([program, "--help"], capture_output=True, text=True,
                                       check=True).stdout
            known = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", help_text))
            given = [word for word in words[1:] if word.startswith("-")]
            self.assertTrue(given, path)
            for option in given:
                self.assertIn(option, known, path)
            if words[1] == "run":
                continue  # what it needs stands in the file that `join` wrote
            needed = re.findall(r"(--[a-z-]+) [^\n]*REQUIRED", help_text)
            self.assertTrue(needed, help_text)
            for option in needed:
                self.assertIn(option, given, path)

    def test_what_steps_rely_on(self):
        host = os.path.join(TOP, "packaging", "systemd", "drover-host.service")
        for name, value in (("KillMode", "process"), ("Delegate", "yes"), ("Type", "notify"),
                            ("NotifyAccess", "main"), ("OOMPolicy", "continue"), ("User", None),
                            ("PrivateTmp", None), ("ProtectSystem", None)):
            self.assertEqual(one(host, name), value, name)

    def test_systemd_accepts_them(self):
        program = shutil.which("systemd-analyze")
        if program is None:
            self.skipTest("systemd-analyze is not installed here")
        for path in UNITS:
            # It asks for the programs, which are not installed yet where they are tested.
            with open(path, encoding="utf-8") as file:
                text = file.read().replace("/usr/bin/drover", farm.PROGRAMS + "/drover")
            copy = os.path.join(self.folder, os.path.basename(path))
            with open(copy, "w", encoding="utf-8") as file:
                file.write(text)
            done = subprocess.run([program, "verify", "--man=no", copy], capture_output=True,
                                  text=True, check=False)
            ours = [line for line in done.stderr.splitlines() if "drover" in line]
            self.assertEqual((done.returncode, ours), (0, []), done.stderr)


class Notified(FarmCase):
    """A farm whose programs are started once more, as a service manager would."""

    config = "builders:\n  quick: {steps: [{name: one, run: 'true'}]}\n"

    def setUp(self):
        super().setUp()
        self.path_of_socket = self.path("notify")
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.manager.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.manager.bind(self.path_of_socket)
        self.manager.settimeout(30)
        self.addCleanup(self.manager.close)

    def start(self, *words):
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL,
                                   env=dict(os.environ, NOTIFY_SOCKET=self.path_of_socket))
        def end():
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            process.wait()
        self.addCleanup(end)
        return process

    def heard(self):
        """(what was said, by which process)."""
        data, more, _, _ = self.manager.recvmsg(4096, socket.CMSG_SPACE(12))
        pid = struct.unpack("3i", more[0][2])[0]
        return data.decode(), pid

    def test_ready_and_stopping_are_told_by_the_main_process(self):
        keys = self.path("farm/hosts/h1/keys")
        listen = self.farm.ready_line.split("listen=")[1].split()[0]
        self.farm.stop()
        coordinator = self.start(
            os.path.join(farm.PROGRAMS, "drover-coordinator"), "--dir",
            self.path("farm/coordinator"), "--config", self.path("farm.yaml"), "--listen", listen,
            "--socket", self.farm.address)
        self.assertEqual(self.heard(), ("READY=1", coordinator.pid))
        host = self.start(
            os.path.join(farm.PROGRAMS, "drover-host"), "--name", "h1", "--dir",
            self.path("farm/hosts/h1"), "--coordinator", listen, "--keys", keys)
        self.assertEqual(self.heard(), ("READY=1", host.pid))
        wait_until(lambda: self.farm.host("h1")["state"] == "up", 30, "the host joins")
        self.assertEqual(self.finished(self.submit("quick"))["result"], "success")
        for process in (host, coordinator):
            process.send_signal(signal.SIGTERM)
            self.assertEqual(self.heard(), ("STOPPING=1", process.pid))
            self.assertEqual(process.wait(30), 0)


if __name__ == "__main__":
    farm.main()
