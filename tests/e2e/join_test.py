#!/usr/bin/env python3
"""A machine joins a farm by one line, renews its certificate, is revoked, and joins again.

SPDX-License-Identifier: Apache-2.0
"""

import os
import re
import signal
import subprocess
import unittest
from datetime import datetime, timedelta

import farm
from farm import FarmCase, wait_until

CONFIG = """
farm: example
builders:
  on-vega:
    requires: "class == 'fast'"
    steps:
      - {name: work, run: GATED}
  quick:
    requires: "class == 'fast'"
    steps:
      - {name: say, run: "echo host is $DROVER_HOST"}
  anywhere:
    steps:
      - {name: work, run: GATED}
"""


class JoinTest(FarmCase):
    hosts = 1

    def setUp(self):
        self.agents = []
        self.config = CONFIG
        super().setUp()
        self.addCleanup(self.stop_agents)

    def write(self, name, content):
        if name == "farm.yaml":
            content = content.replace("GATED", self.gated("work"), 1)
            content = content.replace("GATED", self.gated("other"))
        return super().write(name, content)

    # -- helpers -----------------------------------------------------------------------------------

    def stop_agents(self):
        for agent in self.agents:
            if agent.poll() is None:
                agent.send_signal(signal.SIGTERM)
        for agent in self.agents:
            agent.wait(20)

    def program(self):
        return os.path.join(farm.PROGRAMS, "drover-host")

    def token(self, *words):
        """The words of the line that `drover admin token` prints, without the program."""
        return self.farm.text("admin", "token", *words).split()[1:]

    def join(self, line, folder, *words):
        return subprocess.run([self.program(), *line, "--dir", self.path(folder), *words],
                              capture_output=True, text=True, timeout=60, check=False)

    def joined(self, folder="vega", name="vega"):
        line = self.token("--labels", "class=fast")
        done = self.join(line, folder, "--name", name, "--slots", "2")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"joined farm=example name={name}", done.stdout)
        return line

    def run_agent(self, folder="vega"):
        log = open(self.path(folder + ".log"), "ab")
        with log:
            agent = subprocess.Popen([self.program(), "run", "--dir", self.path(folder)],
                                     stdout=log, stderr=log)
        self.agents.append(agent)
        return agent

    def log_of(self, folder="vega"):
        with open(self.path(folder + ".log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def host(self, name):
        hosts = self.farm.ask("hosts")["hosts"]
        return next((host for host in hosts if host["name"] == name), None)

    def wait_for_host(self, name, state, seconds=30):
        return wait_until(lambda: (self.host(name) or {}).get("state") == state, seconds,
                          f"{name} is {state}")

    def events(self, kind):
        return [event for event in self.farm.ask("events")["events"] if event["kind"] == kind]

    # -- tests -------------------------------------------------------------------------------------

    def test_a_machine_joins_by_one_line_and_works(self):
        line = self.joined()
        keys = self.path("vega/keys")
        self.assertEqual(os.stat(keys + "/host.key").st_mode & 0o777, 0o600)
        self.run_agent()
        self.wait_for_host("vega", "up")
        build = self.submit("quick")
        self.assertEqual(self.finished(build)["result"], "success")
        self.assertIn("host is vega", self.farm.text("log", build))
        facts = self.farm.ask("build", build, "--facts")["placements"][0]
        self.assertEqual(facts["host"], "vega")
        self.assertEqual(facts["labels"], {"class": "fast"})
        self.assertEqual(facts["facts"]["endianness"], "little")
        told = self.events("host_joined")
        self.assertEqual(told[-1]["host"], "vega")
        self.assertIn("class=fast", told[-1]["text"])
        # The token is used up, for this folder's neighbours and for thieves.
        again = self.join(line, "other", "--name", "lyra")
        self.assertEqual(again.returncode, 4, again.stderr)
        self.assertIn("not known", again.stderr)
        self.assertNotIn("Traceback", again.stderr)
        # A second join into the same folder says what to do.
        twice = self.join(line, "vega", "--name", "vega")
        self.assertEqual(twice.returncode, 2)
        self.assertIn("joined a farm already", twice.stderr)

    def test_a_lost_answer_costs_nothing_even_over_a_restart(self):
        line = self.joined()
        first = self.read_certificate()
        os.remove(self.path("vega/host.conf"))
        os.remove(self.path("vega/keys/host.crt"))
        os.kill(self.farm.pid("coordinator"), signal.SIGKILL)
        def again():
            done = self.join(line, "vega", "--name", "vega")
            return done.returncode == 0
        wait_until(again, 60, "the same key gets the same certificate")
        self.assertEqual(self.read_certificate(), first)

    def read_certificate(self):
        with open(self.path("vega/keys/host.crt"), encoding="ascii") as file:
            return file.read()

    def test_what_the_owner_allows_holds_and_is_read_again(self):
        self.joined()
        rules = self.write("vega/owner.yaml", 'builders: ["on-*"]\nslots: 1\n')
        self.run_agent()
        self.wait_for_host("vega", "up")
        self.assertEqual(self.host("vega")["facts"]["owner_slots"], "1")
        build = self.submit("quick")
        wait_until(lambda: "its owner allows only builders on-*" in self.farm.text("why", build),
                   20, "the rules are named")
        self.assertNotEqual(self.build(build)["state"], "finished")
        self.write("vega/owner.yaml", "builder: [quick]\n")  # a mistake: nothing changes
        wait_until(lambda: "did you mean 'builders'" in self.log_of(), 30, "the mistake is told")
        self.assertNotEqual(self.build(build)["state"], "finished")
        os.remove(rules)
        self.assertEqual(self.finished(build)["result"], "success")
        self.assertNotIn("owner_slots", self.host("vega")["facts"])

    def test_names_that_are_taken_are_refused_with_advice(self):
        self.wait_for_host("h1", "up")
        done = self.join(self.token(), "thief", "--name", "h1")
        self.assertEqual(done.returncode, 4)
        self.assertIn("--name", done.stderr)
        self.assertIn("drover admin revoke h1", done.stderr)

    def test_another_farm_hears_nothing(self):
        line = self.token()
        line[2] = line[2][:-4] + ("aaaa" if line[2][-4:] != "aaaa" else "bbbb")
        done = self.join(line, "lost", "--name", "vega")
        self.assertEqual(done.returncode, 3)
        self.assertIn("another farm", done.stderr)
        self.assertEqual(self.farm.ask("admin", "token", "list")["tokens"][0]["uses_left"], 1)

    def test_a_revoked_host_is_out_within_a_second_and_its_build_goes_on_elsewhere(self):
        self.joined()
        self.run_agent()
        self.joined("lyra", name="lyra")
        self.run_agent("lyra")
        for name in ("vega", "lyra"):
            self.wait_for_host(name, "up")
        self.farm.text("host", "lyra", "drain")
        build = self.submit("on-vega")
        self.wait_for_start("work")
        self.farm.text("host", "lyra", "resume")
        undisturbed = self.submit("anywhere", "--host", "h1")
        step = self.wait_for_start("other")
        said = self.farm.text("admin", "revoke", "vega", "--reason", "its disk was stolen")
        self.assertIn("vega is revoked", said)
        wait_until(lambda: "down" in self.log_of(), 30, "the agent notices")
        ordered = self.events("host_revoked")[-1]
        self.assertEqual((ordered["host"], ordered["text"]), ("vega", "its disk was stolen"))
        # By what both sides wrote down themselves.
        at = datetime.fromisoformat(ordered["at"])
        ended = self.moment_of("link host=vega ends", self.coordinator_log())
        self.assertLess(ended - at, timedelta(seconds=1))
        self.assertLess(self.moment_of("down", self.log_of()) - at, timedelta(seconds=1))
        wait_until(lambda: self.host("vega")["state"] in ("suspect", "lost"), 10, "it is missed")
        self.assertIn("revoked by", self.host("vega")["reason"])
        self.assertIn("its disk was stolen", self.farm.text("hosts"))
        self.assertRegex(self.farm.text("why", "vega"),
                         "^host vega is out, its certificates were revoked by .*: "
                         "its disk was stolen; by a new token it can join again")
        # What it ran is run again where that is possible, though its own step may still go on.
        self.wait_for_start("work", attempt=2)
        self.open_gate("work")
        done = self.finished(build)
        self.assertEqual((done["result"], done["host"]), ("success", "lyra"))
        # It tries again with what does not hold, and both sides say so.
        wait_until(lambda: "revoked by" in self.log_of(), 60, "the agent is told why")
        self.assertIn("its disk was stolen", self.log_of())
        tried = "it came with a certificate that does not hold: "
        wait_until(lambda: tried in self.farm.text("admin", "audit"), 20, "it is in the audit log")
        self.assertIn(tried, self.farm.text("why", "vega"))
        self.assertNotEqual(self.host("vega")["state"], "up")
        # The others noticed nothing.
        self.assertTrue(farm.alive(step))
        self.open_gate("other")
        self.assertEqual(self.finished(undisturbed)["result"], "success")
        self.assertEqual([row[:2] for row in self.witness("other")], [("start", 1), ("end", 1)])
        self.assertNotIn("down", self.log_of("lyra"))
        # By a new token the name is good again, with a new key.
        self.stop_agents()
        self.joined("second")
        self.run_agent("second")
        self.wait_for_host("vega", "up")
        self.assertNotIn("revoked", self.host("vega")["reason"])

    def coordinator_log(self):
        with open(self.farm.folder + "/logs/coordinator.log", encoding="utf-8") as file:
            return file.read()

    def moment_of(self, words, log):
        """When the first line with these words was written."""
        line = next(line for line in log.splitlines() if words in line)
        return datetime.fromisoformat(line.split()[0])

    def test_a_lost_host_is_brought_back_by_its_command_and_proved_by_a_canary(self):
        self.joined()
        with open(self.farm.folder + "/farm.yaml", "a", encoding="utf-8") as file:
            file.write("  proof: {canary: true, steps: [{name: say, run: 'echo well'}]}\n"
                       f"hosts: {{vega: {{restart: {{agent: 'touch {self.path('called')}'}}}}}}\n")
        self.farm.text("admin", "reload")
        agent = self.run_agent()
        self.wait_for_host("vega", "up")
        with open(f"/proc/{agent.pid}/task/{agent.pid}/children", encoding="ascii") as file:
            children = [int(pid) for pid in file.read().split()]
        for pid in [agent.pid, *children]:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: os.path.exists(self.path("called")), 120, "its command is run")
        wait_until(lambda: self.events("ladder_climbed"), 20, "it is in the journal")
        self.assertIn("agent command, try 1", self.events("ladder_climbed")[-1]["text"])
        self.run_agent()
        proof = wait_until(lambda: [build for build in self.farm.ask("builds")["builds"]
                                    if build["builder"] == "proof"], 30, "a canary is begun")[0]
        self.assertEqual(proof["host"] or proof["pinned"], "vega")
        self.assertEqual(self.finished(str(proof["id"]))["result"], "success")
        self.wait_for_host("vega", "up")
        self.assertTrue(any("a canary must pass" in (event["text"] or "")
                            for event in self.events("host_changed")))

    def test_a_token_is_for_hosts_alone_and_can_be_taken_back(self):
        line = self.token("--uses", "3")
        listed = self.farm.ask("admin", "token", "list")["tokens"][0]
        self.assertEqual((listed["role"], listed["uses_left"]), ("join", 3))
        self.farm.text("admin", "token", "revoke", listed["id"])
        done = self.join(line, "late", "--name", "vega")
        self.assertEqual(done.returncode, 4)
        self.assertIn("not known", done.stderr)

    def test_what_is_typed_wrongly_is_told_in_one_line(self):
        for words in (["join", "127.0.0.1:1", "nonsense"],
                      ["join", "127.0.0.1:1", "drv_x." + "a" * 64, "--name", "../x"],
                      ["run", "--dir", self.path("nowhere")],
                      ["run", "--dir", "x" * 300]):  # can't even be looked for
            done = subprocess.run([self.program(), *words], capture_output=True, text=True,
                                  timeout=60, check=False)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        done = self.join(["join", "127.0.0.1:1", "drv_x." + "a" * 64], "x", "--name", "vega")
        self.assertEqual(done.returncode, 3)
        self.assertTrue(re.search("connection refused", done.stderr), done.stderr)


if __name__ == "__main__":
    farm.main(at_once=2)
