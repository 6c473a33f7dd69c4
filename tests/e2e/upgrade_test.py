#!/usr/bin/env python3
"""A farm is upgraded program by program while a build runs, and nothing is lost.

The programs of the version before are the present ones, made to say an earlier protocol and to pass
over what came with the present one (nodes/CMakeLists.txt); or, by --earlier FOLDER, those of an
earlier commit (tools/earlier-version).

SPDX-License-Identifier: Apache-2.0
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import unittest

import farm
from farm import Farm, FarmCase, agent_of, wait_until

CONFIG = """
farm: example
builders:
  long:
    steps:
      - {name: work, run: GATED}
      - {name: after, run: "echo went on on $DROVER_HOST"}
  quick:
    steps:
      - {name: say, run: "echo quick as ever"}
"""


with open(os.path.join(farm.TOP, "schema", "wire.capnp"), encoding="utf-8") as wire:
    MINOR = int(re.search(r"const minor :UInt16 = (\d+);", wire.read())[1])
PRESENT, BEFORE = f"1.{MINOR}", f"1.{MINOR - 1}"
BUILT = None  # the folder of programs that were built from an earlier commit


def take_earlier():
    """Takes --earlier out of the arguments."""
    global BUILT, BEFORE
    if "--earlier" not in sys.argv:
        return
    at = sys.argv.index("--earlier")
    BUILT = os.path.abspath(sys.argv[at + 1])
    del sys.argv[at:at + 2]
    with open(os.path.join(BUILT, "protocol"), encoding="ascii") as file:
        BEFORE = file.read().strip()


def version_of(program):
    return subprocess.run([program, "--version"], capture_output=True, text=True,
                          check=True).stdout.strip()


class UpgradeTest(FarmCase):
    config = CONFIG

    def setUp(self):
        self.folder_of_programs = None
        super().setUp()

    def write(self, name, content):
        if name == "farm.yaml":
            content = content.replace("GATED", self.gated("work"))
        return super().write(name, content)

    def up(self, *options):
        """The farm runs from a folder of its own, as one of packages would."""
        self.folder_of_programs = self.path("bin")
        os.mkdir(self.folder_of_programs)
        for name in ("drover", "drover-keeper"):
            self.install(name, BUILT)
        for name in ("drover-coordinator", "drover-host"):
            self.install(name, self.earlier())
        self.farm = Farm(self.folder_of_programs, self.farm.folder)
        return super().up(*options)

    @staticmethod
    def earlier():
        return BUILT or os.path.join(farm.PROGRAMS, "earlier")

    def install(self, name, origin=None):
        """Puts a program in the place of the one that runs, as a package does: by a new file."""
        fresh = os.path.join(self.folder_of_programs, name + ".new")
        shutil.copy2(os.path.join(origin or farm.PROGRAMS, name), fresh)
        os.replace(fresh, os.path.join(self.folder_of_programs, name))

    def restart(self, program):
        before = self.farm.pid(program)
        os.kill(before, signal.SIGTERM)
        wait_until(lambda: self.pid(program) not in (None, before), 30, f"{program} is back")

    def pid(self, program):
        try:
            return self.farm.pid(program)
        except (OSError, ValueError, farm.FarmError):
            return None

    def host(self):
        done = self.farm.run("hosts", "--json")
        if done.returncode != 0:
            return {"state": "unknown", "facts": {}}  # the coordinator is being replaced
        return json.loads(done.stdout)["hosts"][0]

    def wait_for(self, version, protocol):
        def look():
            host = self.host()
            return (host["state"] == "up" and host["version"] == version
                    and host["facts"].get("protocol") == protocol)
        wait_until(look, 60, f"the host is up with version {version}, protocol {protocol}")

    def test_a_farm_is_upgraded_program_by_program_while_a_build_runs(self):
        new = version_of(os.path.join(farm.PROGRAMS, "drover-host"))
        old = version_of(os.path.join(self.earlier(), "drover-host"))
        self.assertNotEqual(new, old)
        self.wait_for(old, BEFORE)
        build = self.submit("long")
        step = self.wait_for_start("work")
        # The agent first: the present one works with the coordinator before it.
        self.install("drover-keeper")
        self.install("drover-host")
        self.restart("h1")
        self.wait_for(new, PRESENT)
        self.assertIn(f"{new.split()[0]}/{PRESENT}", self.farm.text("hosts"))
        self.assertEqual(self.finished(self.submit("quick"))["result"], "success")
        # Then the coordinator, and the agent goes back: the one before works with the present one.
        self.install("drover-coordinator")
        self.restart("coordinator")
        self.install("drover-keeper", BUILT)
        self.install("drover-host", self.earlier())
        self.restart("h1")
        self.wait_for(old, BEFORE)
        self.assertEqual(self.finished(self.submit("quick"))["result"], "success")
        self.assertIsNotNone(agent_of(self.farm.pid("h1")))
        for name in ("drover-keeper", "drover-host", "drover"):
            self.install(name)
        self.restart("h1")
        self.wait_for(new, PRESENT)
        # All the while the step ran on, and its log is whole.
        self.assertTrue(farm.alive(step))
        self.open_gate("work")
        done = self.finished(build)
        self.assertEqual(done["result"], "success")
        self.assertEqual([row[:2] for row in self.witness("work")], [("start", 1), ("end", 1)])
        self.assertEqual(self.witness("work")[0][2], step)
        self.assertEqual(self.farm.log(build, "work"), b"attempt 1 waits\nattempt 1 is done\n")
        self.assertEqual([len(one["attempts"]) for one in done["steps"]], [1, 1])

    def test_a_host_of_an_earlier_version_leaves_a_later_ones_folder_alone(self):
        self.wait_for(version_of(os.path.join(self.earlier(), "drover-host")), BEFORE)
        self.farm.stop()
        with open(self.farm.folder + "/hosts/h1/format", "rb") as file:
            self.assertIn(b"folder-format", file.read())
        # As a later version would note it.
        text = self.record("folder-format", [("format", "2"), ("version", "9.0.0")])
        with open(self.farm.folder + "/hosts/h1/format", "wb") as file:
            file.write(text)
        done = subprocess.run(
            [os.path.join(farm.PROGRAMS, "drover-host"), "--name", "h1",
             "--dir", self.farm.folder + "/hosts/h1", "--coordinator", "127.0.0.1:1",
             "--keys", self.farm.folder + "/hosts/h1/keys"],
            capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 2)
        said = done.stdout + done.stderr
        self.assertIn("was last used by drover-host 9.0.0, as format 2; this program knows "
                      "format 1: install that version, or a later one", said)

    @staticmethod
    def record(kind, fields):
        """A file as nodes/record_file.hpp describes it."""
        text = f"drover {kind} 1\n".encode()
        for key, value in fields:
            text += f"{key} {len(value)}\n{value}\n".encode()
        total = 0xcbf29ce484222325
        for byte in text:
            total = ((total ^ byte) * 0x100000001b3) & 0xffffffffffffffff
        return text + f"sum {total:016x}\n".encode()


if __name__ == "__main__":
    take_earlier()
    farm.main()
