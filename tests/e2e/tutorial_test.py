#!/usr/bin/env python3
"""Every command of docs/tutorial.md, in its order, in one folder, and what it says that they print.

SPDX-License-Identifier: Apache-2.0

A block marked `sh` is run by one shell; a block marked `text` after it is what it prints: each of
its lines, with `...` for anything, has to be there, in that order.
"""

import datetime
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAMS = os.path.join(TOP, "build", "dev", "bin")
BLOCK_SECONDS = 180
LAST_STEP_SECONDS = 30
FIX = "Take local time for what it is"  # the title of what is pushed to mend it
PUSH_SECONDS = 5
END = "--- end of block"


def blocks(path):
    """[(line, script, [expected lines])] of the document."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    found = []
    for match in re.finditer(r"^```(sh|text)\n(.*?)^```$", text, re.M | re.S):
        line = text.count("\n", 0, match.start()) + 1
        if match[1] == "sh":
            found.append((line, match[2], []))
        else:
            found[-1][2].extend(match[2].splitlines())
    return found


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


class Shell:
    """One bash for all blocks, as a person has one terminal."""

    def __init__(self, folder):
        env = {**os.environ, "PATH": PROGRAMS + ":/usr/sbin:/usr/bin:" + os.environ["PATH"],
               "HOME": folder, "NO_COLOR": "1", "PS1": "", "HGPLAIN": "1"}
        env.pop("DROVER_FARM", None)
        self.bash = subprocess.Popen(["bash", "--norc"], cwd=folder, env=env,
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT, start_new_session=True)
        self.tell("set -m\n")  # jobs, as in a terminal

    def tell(self, text):
        self.bash.stdin.write(text.encode())
        self.bash.stdin.flush()

    def run(self, script):
        """(exit code of the last command, what was printed)"""
        self.tell(f"{script}\necho \"{END} $?\"\n")
        said = b""
        end = time.monotonic() + BLOCK_SECONDS
        while not re.search(rb"(?m)^" + END.encode() + rb" \d+$", said):
            left = end - time.monotonic()
            readable, _, _ = select.select([self.bash.stdout], [], [], max(0, left))
            piece = os.read(self.bash.stdout.fileno(), 65536) if readable else b""
            if not piece:
                raise AssertionError(f"not over after {BLOCK_SECONDS} s:\n{script}\nsaid:\n"
                                     + said.decode(errors="replace"))
            said += piece
        text = said.decode(errors="replace")
        before, code = re.search(rf"(?ms)\A(.*?){END} (\d+)$", text).groups()
        return int(code), before


def missing(expected, said):
    """The first expected line that is not there in its order; None: all are."""
    at = 0
    for line in expected:
        pattern = ".*".join(map(re.escape, line.split("..."))) if line else "^$"
        match = re.compile(pattern).search(said, at)
        if match is None:
            return line
        at = match.end()
    return None


def moment(text):
    """Seconds of a time that the API gives."""
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class Tutorial(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="drover-tutorial-")
        self.shell = Shell(self.folder)
        self.addCleanup(self.clean)

    def started(self):
        """The shell, and what it started that still runs: of its session or in the folder."""
        found = []
        for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
            try:
                if (os.getsid(pid) == self.shell.bash.pid
                        or os.readlink(f"/proc/{pid}/cwd").startswith(self.folder)):
                    found.append(pid)
            except OSError:
                pass  # it ended meanwhile, or is another user's
        return sorted(found, reverse=True)

    def clean(self):
        for pid in self.started():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.shell.bash.wait()
        self.shell.bash.stdin.close()
        self.shell.bash.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def test_the_day_goes_as_the_tutorial_says(self):
        ports = {"2525": free_port(), "6667": free_port()}
        found = blocks(os.path.join(TOP, "docs", "tutorial.md"))
        self.assertGreater(len(found), 8)
        for line, script, expected in found:
            for usual, port in ports.items():
                script = script.replace(usual, port)
            code, said = self.shell.run(script)
            where = f"docs/tutorial.md:{line}: "
            self.assertEqual(code, 0, f"{where}exit code {code}:\n{said}\n{self.farm_log()}")
            self.assertIsNone(missing(expected, said), f"{where}this line is missing in:\n{said}")
            if "grep -h \"^Subject\" $answer" in script:
                self.check_that_a_push_is_built_at_once()
        # A step that runs when the farm stops goes on to its end, as it should.
        end = time.monotonic() + LAST_STEP_SECONDS
        while self.started() != [self.shell.bash.pid] and time.monotonic() < end:
            select.select([], [], [], 0.1)
        self.assertEqual(self.started(), [self.shell.bash.pid], "nothing is left of the day")

    def ask(self, words):
        code, said = self.shell.run(f"drover {words} --json")
        self.assertEqual(code, 0, said)
        return json.loads(said)

    def check_that_a_push_is_built_at_once(self):
        """From the commit, whose hook tells the farm, to the end of the builds of it."""
        change = self.ask("changes --source trunk")["changes"][0]
        self.assertEqual(change["title"], FIX)
        for number in change["builds"] or [
                cell["build"] for cell in self.ask(f"campaign {change['campaign']}")["cells"]]:
            build = self.ask(f"build {number}")
            self.assertEqual(build["result"], "success")
            took = moment(build["finished_at"]) - moment(change["made_at"])
            # A commit's time has no fractions of a second.
            self.assertLess(took, PUSH_SECONDS + 1, f"build {number} came late")

    def farm_log(self):
        try:
            with open(os.path.join(self.folder, "farm/logs/coordinator.log"),
                      encoding="utf-8", errors="replace") as file:
                return "".join(file.readlines()[-20:])
        except OSError:
            return ""


if __name__ == "__main__":
    if "--bin" in sys.argv:
        at = sys.argv.index("--bin")
        PROGRAMS = os.path.abspath(sys.argv[at + 1])
        del sys.argv[at:at + 2]
    unittest.main(verbosity=2)
