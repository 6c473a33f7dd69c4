#!/usr/bin/env python3
"""`drover why` on a real farm: whatever waits, runs or has failed names its cause in one sentence.

SPDX-License-Identifier: Apache-2.0
"""

import os
import re
import signal
import unittest

import farm
from farm import FarmCase, wait_until

HEAD = """
hosts:
  h1: {slots: 1, labels: {class: slow}}
  h2: {slots: 1, labels: {class: slow}}
"""

STEPS = """
builders:
  gated:
    steps: [{name: wait, run: GATED}]
  good:
    steps: [{name: ok, run: "true"}]
  exits:
    steps:
      - {name: compile, run: "echo cc -c a.c; echo 'a.c:3:1: error: no foo'; echo more; exit 7"}
      - {name: later, run: "true"}
  crashes:
    steps: [{name: crash, run: "kill -SEGV $$"}]
  forgets:
    steps: [{name: call, run: "frobnicate --all"}]
  slow:
    steps: [{name: sleep, run: "sleep 100", timeout: 1s}]
  silent:
    steps: [{name: hush, run: "sleep 100", silence: 1s}]
  chatty:
    steps: [{name: print, run: "yes", limits: {log: 1MiB}}]
  hungry:
    steps: [{name: eat, run: "head -c 1G /dev/zero | tail -c 900M", limits: {memory: 64MiB}}]
  warns:
    steps: [{name: lint, run: "exit 3", warn_only: true}]
  fast:
    requires: "class == 'fast'"
    steps: [{name: ok, run: "true"}]
  everywhere:
    on: each host
    steps: [{name: here, run: "test $DROVER_HOST != h2"}]
"""


class Why(FarmCase):
    """One farm for all: each test causes its states itself and leaves the farm idle."""

    hosts = 2
    slots = 1

    def setUp(self):
        self.config = HEAD + STEPS
        super().setUp()

    def write(self, name, content):
        if name == "farm.yaml":
            content = content.replace("GATED", self.gated("gate"))
        return super().write(name, content)

    def why(self, what):
        """The sentence and its evidence; checks the form that every answer has."""
        answer = self.farm.ask("why", what)
        sentence, evidence = answer["reason"], answer["evidence"]
        for line in [sentence, *evidence]:
            self.assertNotIn("\n", line)
            self.assertLessEqual(len(line.encode()), 400)
        self.assertRegex(sentence, r"^(build \d+ of |host h|campaign c)")
        return sentence, "\n".join(evidence)

    def ended(self, builder, *words):
        build = self.submit(builder, *words)
        record = self.finished(build)
        sentence, evidence = self.why(build)
        # What lists, events and mail show is the same sentence without its subject.
        self.assertIn(record["reason"], sentence)
        self.assertEqual(self.farm.text("why", build).splitlines()[0], sentence)
        return build, sentence, evidence

    def test_what_ended_names_its_cause(self):
        build, sentence, evidence = self.ended("exits")
        self.assertIn("failed: step 'compile' failed on h", sentence)
        self.assertIn(" with exit code 7: a.c:3:1: error: no foo", sentence)
        self.assertIn("| more", evidence)
        self.assertIn("step 'later': skipped: not run: step 'compile'", evidence)
        again = re.search(r"\d+", self.farm.text("retry", build))[0]
        self.finished(again)
        self.assertIn(f"it repeats build {build}", self.why(again)[1])
        self.assertIn(f"it is repeated by build {again}", self.why(build)[1])

        _, sentence, _ = self.ended("crashes")
        self.assertIn("killed by signal 11 (SIGSEGV), a segmentation fault", sentence)
        _, sentence, _ = self.ended("forgets")
        self.assertIn("with exit code 127 (a command was not found)", sentence)
        self.assertIn("frobnicate: not found", sentence)
        _, sentence, evidence = self.ended("slow")
        self.assertIn("ran out of time: step 'sleep' ran out of time on h", sentence)
        self.assertIn("ran longer than 1s", sentence)
        self.assertIn("raise `timeout` of step 'sleep'", evidence)
        _, sentence, evidence = self.ended("silent")
        self.assertIn("printed nothing for 1s", sentence)
        self.assertIn("raise `silence`", evidence)
        _, sentence, _ = self.ended("chatty")
        self.assertIn("printed more than 1MiB, the limit of a step's log", sentence)
        _, sentence, _ = self.ended("warns")
        self.assertIn("has warnings: step 'lint', which only warns, failed on h", sentence)
        _, sentence, _ = self.ended("good")
        self.assertRegex(sentence, r"succeeded in [0-9.]+ m?s: its step passed on h[12]$")
        facts = self.farm.ask("hosts")["hosts"][0]["facts"]
        if "memory" in facts["step_limits"].split():
            _, sentence, evidence = self.ended("hungry")
            self.assertIn("killed at its memory limit of 64MiB (peak 6", sentence)
            self.assertIn("raise `limits.memory`", evidence)

    def test_a_source_that_cannot_be_unpacked_is_the_cause(self):
        with open(self.path("broken.tar.gz"), "wb") as file:
            file.write(b"\x1f\x8bnot a tarball at all")
        _, sentence, _ = self.ended("good", "--source", self.path("broken.tar.gz"))
        self.assertIn("step 'ok'", sentence)
        self.assertIn("broken.tar.gz", sentence)

    def test_a_campaign_counts_and_tells_the_worst(self):
        self.farm.run("submit", "everywhere", "--wait")
        campaign = self.farm.ask("campaigns")["campaigns"][0]["id"]
        sentence, evidence = self.why(campaign)
        self.assertRegex(sentence, r"^campaign c1: 1 of 2 green, 1 red: build \d+ of everywhere "
                                   r"failed: step 'here' failed on h2 with exit code 1$")
        self.assertIn("failed on h2", evidence)

    def test_what_is_not_over_says_what_it_waits_for(self):
        nobody = self.submit("fast")
        wait_until(lambda: "nearest miss" in self.why(nobody)[0], 20, "it has a reason")
        sentence, evidence = self.why(nobody)
        self.assertIn("waits for a host that serves it: there is none", sentence)
        self.assertIn("class is 'slow', needs 'fast'", sentence)
        self.assertIn("h2 does not serve", evidence)

        running = self.submit("gated", "--host", "h1")
        self.wait_for_start("gate")
        wait_until(lambda: "runs on h1 since" in self.why(running)[0], 20, "it says that it runs")
        self.assertIn("is running: step 'wait'", self.why(running)[0])
        self.assertIn("busy: its one slot is in use", self.why("h1")[0])
        self.assertIn(f"runs step 'wait' of build {running} of gated", self.why("h1")[1])

        first = self.submit("good", "--host", "h1")
        second = self.submit("good", "--host", "h1")
        wait_until(lambda: "behind 1 build" in self.why(second)[0], 20, "it knows its place")
        self.assertIn("is queued and waits for a free slot on h1", self.why(first)[0])
        listed = {str(row["id"]): row for row in self.farm.ask("builds")["builds"]}
        self.assertIn(listed[second]["reason"], self.why(second)[0])

        self.farm.text("cancel", second, "--reason", "not needed")
        self.finished(second)
        self.assertRegex(self.why(second)[0], r"was cancelled by .*: not needed$")
        self.farm.text("cancel", nobody)
        self.open_gate("gate")
        self.finished(first)

    def test_hosts_that_are_held_or_gone_are_named_with_their_reason(self):
        self.farm.text("host", "h2", "drain", "--reason", "new disk")
        pinned = self.submit("good", "--host", "h2")
        wait_until(lambda: "waits for its host h2, draining" in self.why(pinned)[0], 20, "it waits")
        self.assertIn("new disk", self.why(pinned)[0])
        self.assertIn("`drover host h2 resume`", self.why(pinned)[0])
        self.assertRegex(self.why("h2")[0], r"^host h2 is drained by .* since .*: new disk; ")
        self.farm.text("host", "h2", "resume")
        self.finished(pinned)
        self.assertIn("idle", self.why("h2")[0])

        # Held by its supervisor's stop: nothing restarts it, and it answers no more.
        running = self.submit("gated", "--host", "h1")
        self.wait_for_start("gate")
        wait_until(lambda: "runs on h1" in self.why(running)[0], 20, "it runs")
        stopped = self.host_processes("h1")
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        try:
            wait_until(lambda: "; h1, silent" in self.why(running)[0], 20, "the silence is told")
            self.assertIn("host h1 has been silent for", self.why("h1")[0])
        finally:
            for pid in stopped:
                os.kill(pid, signal.SIGCONT)
        wait_until(lambda: "silent" not in self.why("h1")[0], 20, "it is heard again")
        self.open_gate("gate")
        self.finished(running)

    def host_processes(self, host):
        """The agent of that host and its parent, but not its keepers."""
        first = self.farm.pid(host)
        found = [first]
        for name in os.listdir("/proc"):
            try:
                with open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as file:
                    parent = int(file.read().rsplit(")", 1)[1].split()[1])
                with open(f"/proc/{name}/cmdline", "rb") as file:
                    words = file.read()
            except (OSError, ValueError):
                continue
            if parent == first and b"--name" in words:
                found.append(int(name))
        return found


if __name__ == "__main__":
    farm.main()
