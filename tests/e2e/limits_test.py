#!/usr/bin/env python3
"""Steps that take what is not theirs: ended within their limits, the verdict names the limit, and
nothing is left; as another user they reach neither keys nor keeper nor other workspaces.

SPDX-License-Identifier: Apache-2.0
"""

import glob
import os
import stat
import tempfile
import unittest

import farm
from farm import FarmCase, alive, wait_until, yaml_text

HOG = """
builders:
  memory:
    steps:
      - {name: eat, run: "head -c 1G /dev/zero | tail -c 900M > /dev/null; echo survived",
         limits: {memory: 64MiB}}
  forks:
    steps:
      - {name: bomb, run: "bomb() { bomb | bomb & }; bomb; sleep 100", limits: {pids: 60}}
  log:
    steps:
      - {name: print, run: "yes", limits: {log: 4MiB}}
  disk:
    steps:
      - {name: fill, limits: {disk: 8MiB},
         run: "i=0; while :; do head -c 1M /dev/zero > f$i; i=$((i+1)); sleep 0.02; done"}
  spin:
    steps:
      - {name: spin, limits: {cpu: 1},
         run: "for i in 1 2 3 4 5 6 7 8; do (while :; do :; done) & done; sleep 3; kill 0"}
  stays:
    steps:
      - {name: orphan, run: STAYS}
  quiet:
    steps:
      - {name: ok, run: "echo fine"}
"""

STAYS = """
(setsid env -i /bin/sh -c 'echo $$ > FOLDER/orphan; trap "" TERM; exec sleep 99' >/dev/null 2>&1 &)
while ! test -s FOLDER/orphan; do sleep 0.02; done
trap '' TERM
echo out
"""


class Limits(FarmCase):
    config = HOG.replace("STAYS", yaml_text(STAYS))
    hosts = 1
    slots = 4

    def facts(self):
        return self.farm.ask("hosts")["hosts"][0]["facts"]

    def attempt(self, builder):
        """The one attempt of the one step of a build of `builder`, once it is finished."""
        return self.finished(self.submit(builder))["steps"][0]["attempts"][0]

    def host_is_well(self):
        """The host was never lost and works on."""
        self.assertEqual(self.attempt("quiet")["result"], "success")
        host = self.farm.ask("hosts")["hosts"][0]
        self.assertEqual((host["state"], host["restarts"]), ("up", 0))

    def enforced(self, what):
        if what not in self.facts()["step_limits"].split():
            self.skipTest(f"this machine has no means for the limit of {what}: "
                          + self.facts()["cgroup"])

    def test_the_facts_say_what_works(self):
        facts = self.facts()
        self.assertIn(facts["cgroup"], ("v1", "v2", "v1 and v2", "v2 without controllers", "none"))
        self.assertIn("log", facts["step_limits"])
        self.assertEqual(facts["steps_run_as"], "the agent's user")

    def test_a_memory_hog(self):
        self.enforced("memory")
        attempt = self.attempt("memory")
        self.assertEqual(attempt["result"], "failure")
        self.assertRegex(attempt["reason"],
                         r"^killed at its memory limit of 64MiB \(peak 6.*MiB\)$")
        self.assertGreater(attempt["usage"]["memory_peak"], 50 << 20)
        self.host_is_well()

    def test_a_fork_bomb(self):
        self.enforced("pids")
        attempt = self.attempt("forks")
        self.assertEqual(attempt["result"], "failure")
        self.assertEqual(attempt["reason"], "hit its limit of 60 processes")
        self.host_is_well()

    def test_endless_printing_and_a_disk_hog(self):
        attempt = self.attempt("log")
        self.assertEqual(attempt["reason"], "printed more than 4MiB, the limit of a step's log")
        self.assertEqual(attempt["result"], "failure")
        self.assertGreater(attempt["log_bytes"], 4 << 20)
        self.assertLess(attempt["log_bytes"], 5 << 20)
        attempt = self.attempt("disk")
        self.assertEqual(attempt["result"], "failure")
        self.assertRegex(attempt["reason"], r"^used more than 8MiB of the disk, its limit")
        self.host_is_well()

    def test_a_spinning_step_costs_no_beat(self):
        build = self.submit("spin")
        wait_until(lambda: self.build(build)["state"] == "running", 30, "the build runs")
        self.host_is_well()
        usage = self.finished(build)["steps"][0]["attempts"][0]["usage"]
        self.assertGreater(usage["user_ms"] + usage["system_ms"], 500)
        self.assertIn(" s ", self.farm.text("build", build, codes=(0, 1)))

    def test_nothing_is_left(self):
        self.assertEqual(self.attempt("stays")["result"], "success")
        with open(self.path("orphan"), encoding="ascii") as file:
            pid = int(file.read())
        self.assertFalse(alive(pid))


THIEF = """
id -u
cat FOLDER/farm/hosts/h1/keys/host.key FOLDER/farm/coordinator/keys/ca.key
ls FOLDER/farm/hosts/h1/spool
kill -9 $PPID
for w in FOLDER/farm/hosts/h1/workspaces/*/work; do echo stolen > $w/stolen; done
echo "$HOME $TMPDIR" && touch "$HOME/x" "$TMPDIR/x" "$DROVER_OUT/artifact"
cat README
"""


@unittest.skipUnless(os.geteuid() == 0, "only root can run steps as another user")
class OtherUser(FarmCase):
    config = "builders:\n  thief: {steps: [{name: steal, run: " + yaml_text(THIEF) + "}]}\n" \
             "  other: {steps: [{name: wait, run: GATED}]}\n"
    hosts = 1
    slots = 2

    def setUp(self):
        self.config = self.config.replace("GATED", yaml_text(
            "echo up; while ! test -e FOLDER/gate; do sleep 0.05; done; ls"))
        super().setUp()

    def up(self, *options):
        os.chmod(self.folder, 0o711)  # mkdtemp closes it to everybody
        return super().up("--step-user", "auto", *options)

    def test_a_thief_gets_nothing(self):
        facts = self.farm.ask("hosts")["hosts"][0]["facts"]
        self.assertIn("user", facts["steps_run_as"])
        self.assertNotIn("agent", facts["steps_run_as"])
        other = self.submit("other")
        wait_until(lambda: glob.glob(self.path("farm/hosts/h1/workspaces/*/work")), 60, "it works")
        source = os.path.join(tempfile.mkdtemp(dir=self.folder), "README")
        with open(source, "w", encoding="ascii") as file:
            file.write("hello from the source\n")
        build = self.submit("thief", "--source", source)
        record = self.finished(build)
        log = self.farm.text("log", build, "steal")
        attempt = record["steps"][0]["attempts"][0]
        self.assertEqual(attempt["result"], "success", log)
        self.assertNotEqual(log.split()[0], "0")
        self.assertNotIn("PRIVATE KEY", log)
        self.assertIn("hello from the source", log)
        for what in ("host.key: Permission denied", "ca.key: Permission denied",
                     "spool': Permission denied", "Operation not permitted"):
            self.assertIn(what, log)
        self.assertEqual(len(record["steps"][0]["attempts"]), 1)  # its keeper was not killed
        self.write("gate", "")
        self.finished(other)
        self.assertNotIn("stolen", self.farm.text("log", other, "wait"))
        spool = os.stat(self.path("farm/hosts/h1/spool"))
        self.assertEqual(stat.S_IMODE(spool.st_mode), 0o700)


if __name__ == "__main__":
    farm.main()
