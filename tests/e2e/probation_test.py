#!/usr/bin/env python3
"""Machines that join by a token are compared with known-good ones before they get builds.

SPDX-License-Identifier: Apache-2.0
"""

import os
import shutil
import signal
import subprocess
import tempfile
import unittest

import farm
from farm import FarmCase, wait_until

SHIPPED = """
farm: example
builders:
  quick:
    requires: "class == 'fast'"
    steps:
      - {name: say, run: "echo host is $DROVER_HOST"}
"""

MARKED = SHIPPED + """
  proof:
    canary: true
    steps:
      - {name: look, run: "echo well"}
      - {name: compare, run: "test $DROVER_HOST = h1 -o -e FOLDER/repaired"}
"""


class TrustCase(FarmCase):
    hosts = 1

    def setUp(self):
        self.agents = []
        super().setUp()
        self.addCleanup(self.stop_agents)

    def stop_agents(self):
        for agent in self.agents:
            if agent.poll() is None:
                agent.send_signal(signal.SIGTERM)
        for agent in self.agents:
            agent.wait(20)

    def join(self, name="vega"):
        program = os.path.join(farm.PROGRAMS, "drover-host")
        line = self.farm.text("admin", "token", "--labels", "class=fast").split()[1:]
        done = subprocess.run([program, *line, "--dir", self.path(name), "--name", name],
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return self.run_agent(name)

    def run_agent(self, folder):
        with open(self.path(folder + ".log"), "ab") as log:
            agent = subprocess.Popen([os.path.join(farm.PROGRAMS, "drover-host"), "run", "--dir",
                                      self.path(folder)], stdout=log, stderr=log)
        self.agents.append(agent)
        return agent

    def host(self, name):
        return next((host for host in self.farm.ask("hosts")["hosts"] if host["name"] == name), {})

    def wait_for_stage(self, name, stage, seconds=60):
        return wait_until(lambda: self.host(name).get("stage") == stage and self.host(name),
                          seconds, f"{name} is {stage}")

    def told(self, kind, host):
        return [event for event in self.farm.ask("events")["events"]
                if event["kind"] == kind and event["host"] == host]


class NewcomerTest(TrustCase):
    config = SHIPPED

    def test_a_newcomer_is_trusted_once_the_shipped_canary_ends_as_on_a_peer(self):
        wait_until(lambda: self.host("h1").get("state") == "up", 30, "h1 is up")
        self.assertEqual(self.host("h1")["stage"], "trusted")  # `drover up` made its certificate
        self.join()
        build = None
        wait_until(lambda: self.host("vega").get("state") == "up", 30, "vega is up")
        build = self.submit("quick")
        vega = self.wait_for_stage("vega", "trusted")
        self.assertIn("as build", vega["stage_note"])
        self.assertIn("did on h1", vega["stage_note"])
        self.assertEqual([event["state"] for event in self.told("host_stage_changed", "vega")],
                         ["probation", "trusted"])
        canaries = [one for one in self.farm.ask("builds")["builds"]
                    if one["builder"] == "drover-canary"]
        self.assertEqual({(one["pinned"], one["result"]) for one in canaries},
                         {("h1", "success"), ("vega", "success")})
        done = self.finished(build)
        self.assertEqual((done["result"], done["host"]), ("success", "vega"))
        self.assertGreaterEqual(done["started_at"],
                                self.told("host_stage_changed", "vega")[-1]["at"])
        self.assertIn("it is trusted: build", self.farm.text("why", "vega"))
        self.assertIn("trusted", self.farm.text("hosts"))

    def test_a_key_that_is_used_from_two_places_raises_an_alarm(self):
        agent = self.join()
        self.wait_for_stage("vega", "trusted")
        os.mkdir(self.path("thief"))
        shutil.copytree(self.path("vega/keys"), self.path("thief/keys"))
        with open(self.path("vega/host.conf"), encoding="utf-8") as file:
            self.write("thief/host.conf",
                       file.read().replace(self.path("vega"), self.path("thief")))
        thief = self.run_agent("thief")
        alarm = wait_until(lambda: self.told("host_misbehaved", "vega"), 60, "the alarm")[0]
        self.assertIn("used from two places", alarm["text"])
        self.assertIn("a second agent was refused", self.farm.text("why", "vega"))
        self.assertIn("a second agent was refused", self.farm.text("hosts", codes=(0,)))
        self.assertEqual(self.host("vega")["stage"], "trusted")  # the one that was there works on
        self.assertIsNone(thief.poll())
        agent.send_signal(signal.SIGTERM)
        agent.wait(20)
        # Now the thief alone has the name: its key is good, what the other has earned is not its.
        wait_until(lambda: len(self.told("host_misbehaved", "vega")) > 1, 90, "it is noticed")
        self.assertIn("from another place", self.told("host_misbehaved", "vega")[-1]["text"])
        stages = [event["state"] for event in self.told("host_stage_changed", "vega")]
        self.assertEqual(stages[:3], ["probation", "trusted", "probation"])


class RenewalTest(TrustCase):
    """The coordinator gives certificates that hold for seconds."""

    life = 15

    def setUp(self):
        self.config = ("builders:\n  work:\n    requires: \"class == 'fast'\"\n"
                       "    steps:\n      - {name: work, run: GATED}\n")
        self.real = farm.PROGRAMS
        self.programs = tempfile.mkdtemp(prefix="drover-e2e-bin-")
        self.addCleanup(shutil.rmtree, self.programs)
        shutil.copy(os.path.join(self.real, "drover"), self.programs)
        for program in ("drover-host", "drover-keeper"):
            os.symlink(os.path.join(self.real, program), os.path.join(self.programs, program))
        wrapper = os.path.join(self.programs, "drover-coordinator")
        with open(wrapper, "w", encoding="utf-8") as file:
            file.write(f"#!/bin/sh\nexec '{self.real}/drover-coordinator' \"$@\""
                       f" --certificate-life {self.life}s\n")
        os.chmod(wrapper, 0o755)
        farm.PROGRAMS = self.programs
        self.addCleanup(setattr, farm, "PROGRAMS", self.real)
        super().setUp()

    def write(self, name, content):
        if name == "farm.yaml":
            content = content.replace("GATED", self.gated("work"))
        return super().write(name, content)

    def certificate(self):
        with open(self.path("vega/keys/host.crt"), "rb") as file:
            return file.read()

    def test_a_certificate_is_renewed_under_a_running_step_without_interruption(self):
        self.join()
        self.wait_for_stage("vega", "trusted")
        first = self.certificate()
        build = self.submit("work")
        pid = self.wait_for_start("work")
        wait_until(lambda: self.certificate() != first, 4 * self.life, "it is renewed")
        with open(self.path("vega.log"), encoding="utf-8") as file:
            self.assertEqual(file.read().count("connected session="), 1)
        self.open_gate("work")
        done = self.finished(build)
        self.assertEqual((done["result"], done["host"]), ("success", "vega"))
        self.assertEqual(self.witness("work"), [("start", 1, pid), ("end", 1, pid)])


class DifferenceTest(TrustCase):
    config = MARKED

    def test_who_differs_gets_no_builds_until_a_person_or_a_canary_says_so(self):
        wait_until(lambda: self.host("h1").get("state") == "up", 30, "h1 is up")
        self.join()
        wait_until(lambda: "differs" in (self.host("vega").get("stage_note") or ""), 60,
                   "the difference is told")
        vega = self.host("vega")
        self.assertEqual((vega["stage"], vega["state"]), ("probation", "up"))
        self.assertIn("step 'compare' ended in failure here and in success there",
                      vega["stage_note"])
        why = self.farm.text("why", "vega")
        self.assertIn("on probation", why.splitlines()[0])
        build = self.submit("quick")
        wait_until(lambda: "on probation" in self.farm.text("why", build), 30,
                   "the build says what it waits for")
        # What was decided outlives the coordinator.
        os.kill(self.farm.pid("coordinator"), signal.SIGKILL)
        wait_until(lambda: self.farm.run("hosts").returncode == 0
                   and self.host("vega").get("state") == "up", 60, "the farm is back")
        self.assertEqual(self.host("vega")["stage"], "probation")
        self.assertNotEqual(self.build(build)["state"], "finished")
        said = self.farm.text("host", "vega", "resume", "--reason", "I know it")
        self.assertIn("trusted by your word", said)
        done = self.finished(build)
        self.assertEqual((done["result"], done["host"]), ("success", "vega"))
        self.assertIn("I know it", self.host("vega")["stage_note"])


if __name__ == "__main__":
    farm.main(at_once=2)
