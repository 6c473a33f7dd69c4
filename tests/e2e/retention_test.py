#!/usr/bin/env python3
"""Artifacts go by number and budget, the newest green build's stay, and everybody is told.

SPDX-License-Identifier: Apache-2.0
"""

from farm import FarmCase, main


class Retention(FarmCase):
    config = """
farm: retention
builders:
  big:
    keep: {budget: 250KiB}
    steps:
      - {name: make, run: "head -c 102400 /dev/urandom > $DROVER_OUT/data; exit $RESULT"}
    params: {RESULT: "0"}
  plain: {steps: [{name: make, run: "echo kept > $DROVER_OUT/data"}]}
"""

    def run_build(self, *words):
        build = self.submit(*words)
        self.finished(build)
        return build

    def test_the_oldest_beyond_the_budget_go_and_everybody_is_told(self):
        plain = self.run_build("plain")
        green = self.run_build("big")
        red = [self.run_build("big", "--param", "RESULT=1") for _ in range(3)]
        preview = self.farm.ask("admin", "gc", "--preview")
        self.assertEqual([str(row["build"]) for row in preview["artifacts"]], red[:2])
        self.assertIn("would drop the artifacts of 2 builds",
                      self.farm.text("admin", "gc", "--preview"))
        self.assertFalse(self.build(red[0])["artifacts_dropped"])
        done = self.farm.ask("admin", "gc")
        self.assertEqual(done["artifact_builds"], 2)
        self.assertEqual(done["artifact_bytes"], 2 * 102400)
        self.assertEqual(done["builds"], 0)
        for build in red[:2]:
            self.assertTrue(self.build(build)["artifacts_dropped"])
            said = self.refused("get", build, "data", "-o", self.path("copy"), codes=(2, 4))
            self.assertIn("was dropped by retention at 20", said)
            self.assertIn("the oldest beyond 250 KiB", said)
            self.assertIn("dropped by retention", self.farm.text("artifacts", build))
        for build in (plain, green, red[2]):
            self.farm.text("get", build, "data", "-o", self.path("copy" + build))
            self.assertFalse(self.build(build)["artifacts_dropped"])
        kinds = self.farm.ask("events", "--limit", "500")["events"]
        told = [str(row["build"]) for row in kinds if row["kind"] == "artifacts_dropped"]
        self.assertEqual(told, red[:2])
        self.assertEqual(self.farm.ask("admin", "gc")["artifact_builds"], 0)
        self.assertTrue(self.farm.ask("admin", "verify")["ok"])


if __name__ == "__main__":
    main()
