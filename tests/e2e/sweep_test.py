#!/usr/bin/env python3
"""Some points of the kill-point sweep, and that the sweep sees what is wrong.

SPDX-License-Identifier: Apache-2.0
"""

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

import farm

sys.path.insert(0, os.path.join(farm.TOP, "tools", "kill-sweep.d"))

import sweep  # noqa: E402
from small_farm import Point  # noqa: E402

KILL_SWEEP = os.path.join(farm.TOP, "tools", "kill-sweep")


class Tracer(unittest.TestCase):
    """kill_point on a shell, whose calls are known."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="drover-e2e-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        # It looks for programs of the farm by name.
        self.program = os.path.join(self.folder, "drover-keeper")
        shutil.copy("/bin/sh", self.program)

    def run_it(self, script, *options):
        """(exit code, lines that were listed)"""
        listing = os.path.join(self.folder, "calls")
        done = subprocess.run(
            [os.path.join(farm.PROGRAMS, "kill_point"), "--program", "keeper", "--list", listing,
             *options, "--", "/bin/sh", "-c", f"cd {self.folder}; {self.program} -c '{script}'"],
            stderr=subprocess.DEVNULL, timeout=60, check=False)
        with open(listing, encoding="utf-8") as file:
            return done.returncode, file.read().splitlines()

    def test_every_write_of_the_program_is_counted_and_no_other_one(self):
        code, lines = self.run_it("echo a > x; /bin/echo b > y; echo cc >> x; exit 3")
        self.assertEqual(code, 3)
        self.assertEqual(len(lines), 2, lines)  # /bin/echo is another program
        self.assertTrue(lines[1].startswith("write 2 write "), lines)
        self.assertTrue(lines[1].endswith("/x"), lines)

    def test_the_call_at_which_it_dies_has_no_effect(self):
        code, lines = self.run_it("echo a > x; echo b > x", "--class", "write", "--at", "2")
        self.assertEqual(code, 128 + signal.SIGKILL)
        self.assertTrue(lines[-1].startswith("killed write 2 write "), lines)
        self.assertEqual(os.path.getsize(os.path.join(self.folder, "x")), 0)

    def test_a_torn_write_gets_half_of_its_bytes_there(self):
        self.run_it("echo 1234567 > x; echo b > y", "--class", "write", "--at", "1", "--when",
                    "torn")
        with open(os.path.join(self.folder, "x"), encoding="ascii") as file:
            self.assertEqual(file.read(), "1234")
        self.assertFalse(os.path.exists(os.path.join(self.folder, "y")))

    def test_what_died_as_the_command_itself_is_started_again(self):
        listing = os.path.join(self.folder, "calls")
        done = subprocess.run(
            [os.path.join(farm.PROGRAMS, "kill_point"), "--program", "keeper", "--list", listing,
             "--class", "write", "--at", "1", "--when", "after", "--", self.program, "-c",
             f"echo life >> {self.folder}/lives; exit 7"], timeout=60, check=False)
        self.assertEqual(done.returncode, 7)
        with open(os.path.join(self.folder, "lives"), encoding="ascii") as file:
            self.assertEqual(file.read(), "life\nlife\n")


class Sweep(unittest.TestCase):
    def sweep(self, *words):
        """The table's lines of a sweep that finds nothing, split."""
        done = subprocess.run([KILL_SWEEP, "--bin", farm.PROGRAMS, "--every", "60", *words],
                              capture_output=True, text=True, timeout=250, check=False)
        print(done.stdout, flush=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return [line.split() for line in done.stdout.splitlines() if line.endswith("passed")]

    def test_wherever_a_program_dies_nothing_is_lost_and_nothing_runs_twice(self):
        rows = self.sweep("--program", "coordinator", "--program", "agent", "--program", "keeper")
        self.assertEqual(len(rows), 11, rows)  # a keeper sends nothing
        self.assertGreaterEqual(sum(int(row[3]) for row in rows), len(rows))
        self.assertEqual({row[6] for row in rows if row[0] != "keeper"}, {"1.000"})

    def test_an_attempt_more_than_needed_is_seen(self):
        options = argparse.Namespace(bin=farm.PROGRAMS, keep=False)
        folder = tempfile.mkdtemp(prefix="drover-e2e-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        self.addCleanup(sweep.RERUNS.update, dict(sweep.RERUNS))
        sweep.RERUNS["keeper"] = 0
        result = sweep.Sweep(options, folder).one(Point("keeper", "write", 10))
        self.assertTrue(re.match("1 attempts too many: build [0-9]+ s[12]: ", result.problem),
                        result.problem)
        self.assertTrue(result.call.startswith("write 10 "), result.call)


if __name__ == "__main__":
    farm.main()
