#!/usr/bin/env python3
"""Healing with real processes: a silent host's work, a stopped coordinator, a host that fails all.

SPDX-License-Identifier: Apache-2.0
"""

import os
import signal
import time

from farm import FarmCase, main, wait_until

CONFIG = """
farm: healing
builders:
  gated:
    steps:
      - {name: before, run: "true"}
      - {name: waits, run: SCRIPT, timeout: 10m}
      - {name: after, run: "echo after"}
  locked:
    steps:
      - {name: waits, run: SCRIPT, timeout: 10m, exclusive: true}
  tool:
    steps:
      - {name: works, run: "test ! -e FOLDER/broken-$DROVER_HOST"}
"""


class Healing(FarmCase):
    hosts = 2
    slots = 1

    def setUp(self):
        self.config = CONFIG
        self.frozen = []
        super().setUp()

    def write(self, name, content):
        if name == "farm.yaml":
            content = content.replace("SCRIPT", self.gated("step"))
        return super().write(name, content)

    def log_of(self, program):
        with open(f"{self.farm.folder}/logs/{program}.log", encoding="utf-8",
                  errors="replace") as file:
            return file.read()

    def processes_of(self, program):
        """The program and the agent below it; steps and keepers go on."""
        parent = self.farm.pid(program)
        with open(f"/proc/{parent}/task/{parent}/children", encoding="ascii") as file:
            children = [int(pid) for pid in file.read().split()]
        agents = []
        for pid in children:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if b"--agent-of=" in file.read():
                    agents.append(pid)
        return [parent] + agents

    def freeze(self, program):
        pids = self.processes_of(program)
        self.frozen += pids
        self.addCleanup(self.thaw)
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)

    def thaw(self):
        for pid in self.frozen:
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                pass  # it has ended meanwhile
        self.frozen = []

    def clean(self):
        self.thaw()
        super().clean()

    def begin(self, builder="gated"):
        build = self.submit(builder)
        self.wait_for_start("step")
        return build, self.build(build)["host"]

    def events(self, kind):
        return self.farm.ask("events", "--kind", kind, "--limit", "500")["events"]

    def attempts(self, build, step="waits"):
        return [one for one in self.build(build)["steps"] if one["name"] == step][0]["attempts"]

    def test_a_silent_hosts_step_runs_elsewhere_and_the_first_result_wins(self):
        build, host = self.begin()
        other = {"h1": "h2", "h2": "h1"}[host]
        began = time.monotonic()
        self.freeze(host)
        wait_until(lambda: len(self.attempts(build)) == 2, 30, "a second attempt")
        took = time.monotonic() - began
        self.assertGreater(took, 1.5)
        second = self.attempts(build)[1]
        self.assertTrue(second["hedge"])
        self.assertEqual(second["host"], other)
        told = self.events("attempt_hedged")
        self.assertEqual(len(told), 1)
        self.assertIn(f"{host} has been silent for 2.", told[0]["text"])
        self.wait_for_start("step", attempt=2)
        self.open_gate("step")
        record = self.finished(build)
        self.assertEqual((record["result"], record["host"]), ("success", other))
        self.thaw()
        wait_until(lambda: self.farm.host(host)["state"] == "up", 60, f"{host} is back")

        def settled():
            first = self.attempts(build)[0]
            return first if first["state"] != "running" else None
        first = wait_until(settled, 30, "the first attempt is settled")
        self.assertEqual(first["result"], "cancelled", first)
        self.assertEqual(self.build(build)["result"], "success")
        self.assertEqual(len(self.events("attempt_lost")), 0)

    def test_a_host_that_is_back_in_time_wins_and_the_second_attempt_is_ended(self):
        build, host = self.begin()
        self.freeze(host)
        self.wait_for_start("step", attempt=2)
        self.thaw()
        wait_until(lambda: self.farm.host(host)["state"] == "up", 60, f"{host} is back")
        self.open_gate("step")
        record = self.finished(build)
        self.assertEqual(record["result"], "success", record)
        accepted = [one["result"] for one in self.attempts(build)]
        self.assertEqual(sorted(accepted), ["cancelled", "success"], accepted)

    def test_an_exclusive_step_is_not_begun_twice(self):
        build, host = self.begin("locked")
        self.freeze(host)
        wait_until(lambda: self.farm.host(host)["last_seen_ms"] > 4000, 30, "4 s of silence")
        self.assertEqual(len(self.attempts(build)), 1)
        self.thaw()
        self.open_gate("step")
        self.assertEqual(self.finished(build)["result"], "success")
        self.assertEqual(len(self.attempts(build)), 1)

    def test_a_coordinator_that_was_stopped_doubts_nobody(self):
        build, _ = self.begin()
        pid = self.farm.pid("coordinator")
        self.frozen.append(pid)
        os.kill(pid, signal.SIGSTOP)
        # Each host has given its link up: that takes longer than what makes it suspicious.
        wait_until(lambda: all("did not answer" in self.log_of(name) for name in ("h1", "h2")), 60,
                   "the hosts know that nobody answers")
        self.thaw()
        wait_until(lambda: all(host["state"] == "up" for host in self.farm.ask("hosts")["hosts"]),
                   60, "all hosts are up")
        self.open_gate("step")
        record = self.finished(build)
        self.assertEqual(record["result"], "success", record)
        self.assertEqual(len(self.attempts(build)), 1)
        self.assertEqual(self.events("attempt_hedged"), [])
        self.assertEqual(self.events("attempt_lost"), [])

    def passed_on(self, host):
        """The builds that the farm has tried again there by itself, with success."""
        asked = [self.build(event["build"]) for event in self.events("build_submitted")
                 if event["by"] == "farm"]
        return {record["opinion_of"] or record["retry_of"] for record in asked
                if record["host"] == host and record["result"] == "success"}

    def test_a_host_that_fails_what_the_other_passes_is_quarantined(self):
        self.write("broken-h1", "")
        builds = [self.submit("tool") for _ in range(8)]
        for build in builds:
            self.finished(build)

        def quarantined():
            # Both take from the queue: more work until the broken one has failed enough of it.
            if self.farm.host("h1")["state"] == "quarantined":
                return True
            builds.append(self.submit("tool"))
            self.finished(builds[-1])
            return False
        wait_until(quarantined, 60, "h1 is quarantined")
        self.assertIn("which other hosts pass", self.farm.host("h1")["reason"])
        self.assertEqual(len(self.events("host_quarantined")), 1)
        said = self.farm.text("why", "h1", codes=(0, 1))
        self.assertIn("quarantined", said)
        # What it failed is repeated on the other, also what it still ran when it was quarantined.
        red = {build for build in map(int, builds) if self.build(build)["result"] == "failure"}
        self.assertTrue(red, "nothing has failed on h1")
        wait_until(lambda: red <= self.passed_on("h2"), 60, f"all of {red} pass on h2")
        # `drover host h1 resume` is a person's word.
        os.remove(self.path("broken-h1"))
        self.farm.text("host", "h1", "resume")
        wait_until(lambda: self.farm.host("h1")["state"] == "up", 30, "h1 is back")


if __name__ == "__main__":
    main(at_once=2)
