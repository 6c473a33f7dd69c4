#!/usr/bin/env python3
"""A farm from nothing: builds run, their logs and reasons can be read, a restart loses nothing.

SPDX-License-Identifier: Apache-2.0
"""

import re

from farm import FarmCase, main, wait_until

CONFIG = """
farm: smoke
builders:
  good:
    on: any
    steps:
      - {name: one, run: "echo first on $DROVER_HOST; echo kept > $DROVER_OUT/kept.txt"}
      - {name: two, run: "echo second of $DROVER_BUILDER, build $DROVER_BUILD_ID"}
  bad:
    steps:
      - {name: breaks, run: "echo now; exit 3"}
      - {name: after, run: "echo never"}
      - {name: last, run: "echo cleaning", always: true}
  homeless:
    requires: "class == 'unheard-of'"
    steps:
      - {name: one, run: "true"}
  everywhere:
    on: each host
    steps:
      - {name: one, run: "echo here"}
"""


class Smoke(FarmCase):
    config = CONFIG
    hosts = 2

    def test_a_build_runs_and_its_logs_can_be_read(self):
        done = self.farm.run("submit", "good", "--wait", "--reason", "to see")
        self.assertEqual(done.returncode, 0, done.stderr)
        build = self.farm.ask("builds")["builds"][0]["id"]
        record = self.build(build)
        self.assertEqual((record["builder"], record["state"], record["result"]),
                         ("good", "finished", "success"))
        self.assertEqual([step["name"] for step in record["steps"]], ["one", "two"])
        for step in record["steps"]:
            self.assertEqual(step["result"], "success")
            self.assertEqual([attempt["number"] for attempt in step["attempts"]], [1])
            self.assertIn(step["attempts"][0]["host"], ("h1", "h2"))
        host = record["steps"][0]["attempts"][0]["host"]
        self.assertEqual(self.farm.log(build, "one"), f"first on {host}\n".encode())
        self.assertEqual(self.farm.log(build, "two"), f"second of good, build {build}\n".encode())

    def test_hosts_are_listed_by_name_whoever_answers_first(self):
        for _ in range(30):
            self.assertEqual([host["name"] for host in self.farm.ask("hosts")["hosts"]],
                             ["h1", "h2"])

    def test_a_failing_step_ends_the_build_and_says_so(self):
        done = self.farm.run("submit", "bad", "--wait")
        self.assertEqual(done.returncode, 1, done.stderr)
        # Not the newest one: the other host is asked for a second opinion.
        build = re.search(r"\d+", done.stdout.decode())[0]
        record = self.build(build)
        self.assertEqual(record["result"], "failure")
        self.assertEqual([step["result"] for step in record["steps"]],
                         ["failure", "skipped", "success"])
        self.assertEqual(record["steps"][0]["exit_code"], 3)
        why = self.farm.text("why", build, codes=(0, 1))
        self.assertIn("breaks", why)
        self.assertIn("3", why)

    def test_what_no_host_serves_waits_says_why_and_can_be_cancelled(self):
        build = self.submit("homeless")
        def reason():
            return self.build(build)["reason"]
        wait_until(reason, 20, "a reason")
        self.assertNotEqual(self.build(build)["state"], "finished")
        self.assertIn("class", self.farm.text("why", build, codes=(0, 1)))
        self.farm.text("cancel", build)
        self.assertEqual(self.finished(build)["result"], "cancelled")

    def test_each_host_makes_a_campaign_with_a_cell_for_each(self):
        self.farm.text("submit", "everywhere", "--wait")
        campaign = self.farm.ask("campaigns")["campaigns"][0]["id"]
        record = self.farm.ask("campaign", campaign)
        self.assertEqual(record["state"], "finished")
        self.assertEqual(sorted((cell["host"], cell["result"]) for cell in record["cells"]),
                         [("h1", "success"), ("h2", "success")])

    def test_the_herd_and_every_actor_can_be_seen(self):
        hosts = {host["name"]: host for host in self.farm.ask("hosts")["hosts"]}
        self.assertEqual(sorted(hosts), ["h1", "h2"])
        for host in hosts.values():
            self.assertEqual(host["state"], "up")
            self.assertEqual(host["slots"]["total"], self.slots)
            self.assertEqual(host["facts"]["os"], "linux")
        actors = self.farm.ask("actors")["actors"]
        self.assertEqual({actor["node"] for actor in actors}, {"coordinator", "h1", "h2"})
        kinds = {(actor["node"], actor["kind"]) for actor in actors}
        for kind in ("coordinator", "recorder", "log_sink", "host_supervisor"):
            self.assertIn(("coordinator", kind), kinds)
        self.assertIn(("h1", "host_agent"), kinds)
        names = {(actor["node"], actor["name"]) for actor in actors}
        for actor in actors:
            if actor["parent"]:
                self.assertIn((actor["node"], actor["parent"]), names, actor)
        tree = self.farm.text("actors", "--tree")
        for _, name in names:
            self.assertIn(name, tree)

    def test_everything_is_there_again_after_a_restart(self):
        self.farm.run("submit", "good", "--wait")
        build = self.farm.ask("builds")["builds"][0]["id"]
        record, log = self.build(build), self.farm.log(build, "one")
        self.assertEqual(self.farm.stop(), 0)
        self.assertEqual(self.farm.processes_left(), [])
        self.assertEqual(self.farm.run("hosts").returncode, 3)
        self.up()
        self.assertEqual(self.build(build), record)
        self.assertEqual(self.farm.log(build, "one"), log)
        done = self.farm.run("submit", "good", "--wait")
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    main()
