#!/usr/bin/env python3
"""kill -9 of each program under a running step: what a restart runs again, and what it does not.

SPDX-License-Identifier: Apache-2.0
"""

import os
import signal

from farm import FarmCase, agent_of, alive, main, start_ticks, wait_until

CONFIG = """
farm: kills
builders:
  gated:
    steps:
      - {name: before, run: "echo before >> FOLDER/before.witness"}
      - {name: waits, run: SCRIPT, timeout: 10m}
      - {name: after, run: "echo after"}
"""


def keeper_of(pid):
    """The keeper above the step's process `pid`."""
    while pid > 1:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            text = file.read()
        if "drover-keeper" in text:  # a process's name is cut to 15 bytes
            return pid
        pid = int(text.rsplit(")", 1)[1].split()[1])
    raise AssertionError("no keeper above the step")


class Kills(FarmCase):
    def setUp(self):
        self.config = CONFIG  # the gate's paths are known only with the folder
        super().setUp()

    def write(self, name, content):
        if name == "farm.yaml":
            content = content.replace("SCRIPT", self.gated("step"))
        return super().write(name, content)

    def begin(self):
        """(build, pid of its waiting step)"""
        build = self.submit("gated")
        return build, self.wait_for_start("step")

    def kill(self, program):
        """kill -9; returns once `drover up` has started the program anew."""
        pid = self.farm.pid(program)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: self.farm.pid(program) not in (None, pid), 30, f"a new {program}")

    def wait_for_host(self, restarts=0):
        def look():
            if self.farm.run("hosts").returncode != 0:
                return False  # the coordinator is not back yet
            host = self.farm.host("h1")
            return host["state"] == "up" and host["restarts"] >= restarts
        wait_until(look, 60, "h1 is up")

    def check_ran_once(self, build, pid):
        record = self.finished(build)
        self.assertEqual(record["result"], "success", record)
        self.assertEqual(self.witness("step"), [("start", 1, pid), ("end", 1, pid)])
        with open(self.path("before.witness"), encoding="ascii") as file:
            self.assertEqual(file.read(), "before\n")
        self.assertEqual([len(step["attempts"]) for step in record["steps"]], [1, 1, 1])
        self.assertEqual(self.farm.log(build, "waits"), b"attempt 1 waits\nattempt 1 is done\n")

    def test_agent_killed_the_step_goes_on_as_the_same_process(self):
        build, pid = self.begin()
        ticks = start_ticks(pid)
        self.kill("h1")
        self.wait_for_host(restarts=1)
        self.assertEqual(start_ticks(pid), ticks)
        self.open_gate("step")
        self.check_ran_once(build, pid)

    def test_an_ordered_restart_of_the_agent_is_no_crash_and_the_step_goes_on(self):
        build, pid = self.begin()
        ticks = start_ticks(pid)
        parent = self.farm.pid("h1")
        before = agent_of(parent)
        self.assertEqual(self.farm.run("host", "h1", "restart").returncode, 0)
        wait_until(lambda: agent_of(parent) not in (None, before), 30, "another agent")
        self.wait_for_host(restarts=1)
        self.assertEqual(self.farm.pid("h1"), parent)
        self.assertEqual(start_ticks(pid), ticks)
        self.open_gate("step")
        self.check_ran_once(build, pid)

    def test_coordinator_killed_the_step_runs_once(self):
        build, pid = self.begin()
        self.kill("coordinator")
        self.wait_for_host()
        self.assertTrue(alive(pid))
        self.open_gate("step")
        self.check_ran_once(build, pid)

    def test_a_step_that_ends_while_the_coordinator_is_down_is_not_lost(self):
        build, pid = self.begin()
        os.kill(self.farm.pid("coordinator"), signal.SIGKILL)
        self.open_gate("step")
        wait_until(lambda: not alive(pid), 30, "the step ends")
        self.wait_for_host()
        self.check_ran_once(build, pid)

    def test_both_killed_at_once_the_step_runs_once(self):
        build, pid = self.begin()
        os.kill(self.farm.pid("coordinator"), signal.SIGKILL)
        os.kill(self.farm.pid("h1"), signal.SIGKILL)
        self.wait_for_host()
        self.assertTrue(alive(pid))
        self.open_gate("step")
        self.check_ran_once(build, pid)

    def test_drover_up_killed_its_programs_end_and_the_step_goes_on(self):
        build, pid = self.begin()
        programs = [self.farm.pid("coordinator"), self.farm.pid("h1")]
        self.farm.process.kill()
        self.farm.process.wait()
        self.farm.process.stdout.close()
        self.farm.process = None
        wait_until(lambda: not any(map(alive, programs)), 30, "coordinator and host end")
        self.assertTrue(alive(pid))
        self.up()
        self.open_gate("step")
        self.check_ran_once(build, pid)

    def test_a_clean_stop_leaves_the_step_running_and_goes_on_later(self):
        build, pid = self.begin()
        self.assertEqual(self.farm.stop(), 0)
        self.assertTrue(alive(pid))
        self.open_gate("step")
        self.up()
        self.check_ran_once(build, pid)

    def test_keeper_killed_the_step_runs_twice_and_the_build_says_so(self):
        build, pid = self.begin()
        os.kill(keeper_of(pid), signal.SIGKILL)
        again = self.wait_for_start("step", attempt=2)
        self.assertNotEqual(again, pid)
        wait_until(lambda: not alive(pid), 30, "nothing is left of the first attempt")
        self.open_gate("step")
        record = self.finished(build)
        self.assertEqual(record["result"], "success", record)
        self.assertEqual(self.witness("step"),
                         [("start", 1, pid), ("start", 2, again), ("end", 2, again)])
        attempts = record["steps"][1]["attempts"]
        self.assertEqual([attempt["number"] for attempt in attempts], [1, 2])
        self.assertIn("keeper", attempts[0]["reason"])
        self.assertEqual(attempts[1]["result"], "success")


if __name__ == "__main__":
    main()
