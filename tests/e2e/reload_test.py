"""Another configuration comes into force without a restart, all of it or nothing.

SPDX-License-Identifier: Apache-2.0
"""

import os
import signal
import unittest

from farm import FarmCase, main, wait_until

FIRST = """
farm: reload
include: ["builders/*.yaml"]
hosts: {h1: {slots: 2, labels: {class: fast}}}
"""

GATED = """
builders:
  slow:
    steps:
      - {name: wait, run: GATED}
      - {name: say, run: "echo VERSION"}
"""

SECOND = """
builders:
  quick:
    steps: [{name: say, run: "echo quick"}]
"""


class Reload(FarmCase):
    config = FIRST

    def setUp(self):
        super().setUp()
        self.addCleanup(self.open_gate, "slow")

    def up(self, *options):
        os.makedirs(self.path("builders"), exist_ok=True)
        self.write("builders/slow.yaml", self.slow("first"))
        return super().up(*options)

    def slow(self, version):
        return GATED.replace("GATED", self.gated("slow")).replace("VERSION", version)

    def edit(self, name, text):
        """Changes the farm's own file, as its user does."""
        path = os.path.join(self.farm.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(path + ".new", path)

    def log(self):
        with open(os.path.join(self.farm.folder, "logs", "coordinator.log"),
                  encoding="utf-8") as file:
            return file.read()

    def hang_up(self, expected):
        """SIGHUP; returns what the coordinator logs until `expected` is said once more."""
        before = len(self.log())
        os.kill(self.farm.pid("coordinator"), signal.SIGHUP)
        return wait_until(lambda: self.log()[before:] if expected in self.log()[before:] else None,
                          30, f"the coordinator says {expected!r}")

    def test_a_running_build_keeps_its_steps_and_a_new_builder_is_there(self):
        pid = self.farm.pid("coordinator")
        running = self.submit("slow")
        self.wait_for_start("slow")
        self.edit("builders/slow.yaml", self.slow("second"))
        self.edit("builders/quick.yaml", SECOND)
        said = self.hang_up("config reload result")
        self.assertIn("generation 2 is in force", said)
        self.assertIn("builder quick added; builder slow changed", said)
        quick = self.submit("quick")
        self.assertEqual(self.finished(quick)["result"], "success")
        self.open_gate("slow")
        self.assertEqual(self.finished(running)["result"], "success")
        self.assertIn("first", self.farm.text("log", running, "say"))
        again = self.submit("slow")
        self.assertEqual(self.finished(again)["result"], "success")
        self.assertIn("second", self.farm.text("log", again, "say"))
        self.assertEqual(self.farm.pid("coordinator"), pid)

    def test_a_broken_file_changes_nothing_and_says_why(self):
        self.edit("builders/quick.yaml", SECOND)
        self.edit("builders/slow.yaml", "builders:\n  slow: {stpes: []}\n  gone: {steps: []}\n")
        said = self.hang_up("config not reloaded")
        self.assertIn("builders/slow.yaml:2:10: unknown key 'stpes' (did you mean 'steps'?)", said)
        self.assertIn("builders/slow.yaml:3:17: steps: is empty", said)
        self.refused("submit", "quick")
        self.open_gate("slow")
        self.assertEqual(self.finished(self.submit("slow"))["result"], "success")
        self.edit("builders/slow.yaml", self.slow("third"))
        self.assertIn("generation 2 is in force", self.hang_up("config reload result"))
        self.assertEqual(self.finished(self.submit("quick"))["result"], "success")

    def test_an_unchanged_file_is_no_new_generation(self):
        said = self.hang_up("config reload result")
        self.assertIn("has not changed; generation 1 stays in force", said)

    def test_a_host_that_gets_a_label_gets_the_build_that_waits_for_it(self):
        self.edit("builders/quick.yaml", SECOND.replace(
            "steps:", "requires: \"class == 'huge'\"\n    steps:"))
        self.hang_up("config reload result")
        waiting = self.submit("quick")
        wait_until(lambda: "class" in self.build(waiting)["reason"], 30, "the build says what for")
        self.edit("farm.yaml", FIRST.replace("class: fast", "class: huge"))
        self.assertIn("host h1 changed", self.hang_up("config reload result"))
        self.assertEqual(self.finished(waiting)["result"], "success")

    def test_what_was_reloaded_is_in_force_after_a_restart(self):
        self.edit("builders/quick.yaml", SECOND)
        self.hang_up("config reload result")
        self.farm.stop()
        self.farm.start()
        self.assertEqual(self.finished(self.submit("quick"))["result"], "success")
        self.assertIn("generation 2 stays in force", self.hang_up("config reload result"))

    def test_check_asks_the_running_farm_what_its_hosts_are(self):
        path = self.write("other.yaml", "hosts: {h1: {}}\nbuilders:\n  b:\n"
                          "    requires: \"os == 'plan9'\"\n"
                          "    steps: [{name: s, run: make}]\n")
        done = self.farm.run("check", path)
        said = done.stderr.decode()
        self.assertEqual(done.returncode, 0, said)
        self.assertRegex(said, r"other\.yaml:4:\d+: warning: no host of the running farm can serve "
                               r"builder 'b'; the nearest is h1: os is 'linux', needs 'plan9'")


if __name__ == "__main__":
    unittest.TestCase.maxDiff = None
    main()
