#!/usr/bin/env python3
"""Second opinions on real farms: whose fault a failure is, and that it is found out over a kill.

SPDX-License-Identifier: Apache-2.0
"""

import os
import signal

from farm import FarmCase, main, wait_until


class Opinions(FarmCase):
    config = """
farm: opinions
builders:
  broken: {steps: [{name: test, run: "echo 'E   assert 1 == 2'; exit 2"}]}
  picky:
    steps:
      - name: test
        run: "[ -e FOLDER/sick ] || echo $DROVER_HOST > FOLDER/sick;
              [ $DROVER_HOST != `cat FOLDER/sick` ] || { echo 'cc: odd failure'; exit 3; }"
  offline: {steps: [{name: get, run: "echo 'curl: (6) Could not resolve host: x.org'; exit 6"}]}
  alone: {second_opinion: no, steps: [{name: test, run: "echo odd; exit 1"}]}
  slow:
    steps:
      - name: test
        run: "if [ -e FOLDER/first ]; then while [ ! -e FOLDER/gate ]; do sleep 0.05; done; fi;
              touch FOLDER/first; echo 'E  odd'; exit 4"
"""
    hosts = 2
    slots = 1

    def blamed(self, build, fault):
        def look():
            record = self.build(build)
            return record if record["fault"] == fault else None
        return wait_until(look, 60, f"build {build} is blamed on {fault}")

    def opinions(self, build):
        rows = self.farm.ask("builds", "--limit", "200")["builds"]
        return [row for row in rows if row["opinion_of"] == int(build)]

    def test_the_same_failure_on_the_other_host_is_the_codes(self):
        build = self.submit("broken")
        first = self.finished(build)
        record = self.blamed(build, "code")
        self.assertIn("fails alike: E   assert 1 == 2", record["fault_evidence"])
        asked = self.opinions(build)
        self.assertEqual(len(asked), 1)
        self.assertNotEqual(asked[0]["host"], first["host"])
        self.assertEqual(record["opinion"], asked[0]["id"])
        why = self.farm.text("why", build, codes=(0, 1))
        self.assertIn("whose fault: the code's", why)
        self.assertIn(f"second opinion: build {asked[0]['id']} on {asked[0]['host']}", why)
        self.assertIn("(fault: code)", self.farm.text("builds"))
        self.assertIn(f"second opinion on build {build}",
                      self.farm.text("why", str(asked[0]["id"]), codes=(0, 1)))

    def test_green_on_the_other_host_is_the_hosts(self):
        build = self.submit("picky")
        sick = self.finished(build)["host"]
        other = {"h1": "h2", "h2": "h1"}[sick]
        record = self.blamed(build, "host")
        self.assertIn(f"on {other} is green from the same source", record["fault_evidence"])
        wait_until(lambda: len(self.opinions(build)) == 2
                   and all(row["state"] == "finished" for row in self.opinions(build)), 60,
                   f"it was repeated on {sick}")
        self.assertIn("failed there a second time", self.build(build)["fault_evidence"])

    def test_what_speaks_for_itself_is_not_tried_again(self):
        build = self.submit("offline")
        self.finished(build)
        self.assertIn("Could not resolve host", self.blamed(build, "network")["fault_evidence"])
        quiet = self.submit("alone")
        self.finished(quiet)
        again = self.submit("offline", "--param", "N=2")  # its end comes behind that of `quiet`
        self.finished(again)
        self.blamed(again, "network")
        self.assertEqual(self.opinions(build) + self.opinions(quiet) + self.opinions(again), [])

    def test_an_opinion_survives_the_death_of_the_coordinator(self):
        build = self.submit("slow")
        self.finished(build)
        wait_until(lambda: self.opinions(build)
                   and self.opinions(build)[0]["state"] == "running", 60, "the opinion runs")
        with open(self.farm.folder + "/pids/coordinator.pid", encoding="ascii") as file:
            os.kill(int(file.read()), signal.SIGKILL)
        self.write("gate", "")
        wait_until(lambda: self.farm.run("builds").returncode == 0, 60, "the coordinator is back")
        self.blamed(build, "code")
        self.assertEqual(len(self.opinions(build)), 1)


if __name__ == "__main__":
    main()
