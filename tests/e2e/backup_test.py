#!/usr/bin/env python3
"""A backup is taken while a build runs, restored on another machine, and hosts come by themselves.

SPDX-License-Identifier: Apache-2.0
"""

import os
import shlex
import signal
import subprocess
import unittest

import farm
from farm import Farm, FarmCase, alive, wait_until

CONFIG = """
farm: example
builders:
  long:
    steps:
      - {name: work, run: GATED}
  quick:
    steps:
      - {name: say, run: "cat FOLDER/word"}
"""
NAME = "coordinator.example"


def private_names():
    """Whether a process can have names of its own here: a mount namespace, as root has."""
    done = subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False)
    return done.returncode == 0


class BackupTest(FarmCase):
    hosts = 0
    config = CONFIG

    def setUp(self):
        self.port = 0
        self.named = private_names()
        self.agent = None
        super().setUp()
        self.addCleanup(self.stop_agent)

    def write(self, name, content):
        if name == "farm.yaml":
            content = content.replace("GATED", self.gated("work"))
        return super().write(name, content)

    def up(self, *options):
        super().up(*options)
        with open(self.farm.folder + "/coordinator/listen", encoding="ascii") as file:
            self.port = int(file.read().strip().rpartition(":")[2])

    def say_where(self, address):
        """What the coordinator's name means, to the host."""
        if self.named:
            self.write("names", f"127.0.0.1 localhost\n{address} {NAME}\n")

    def as_host(self, *words):
        """The words that run the host's program with names of its own."""
        line = shlex.join([os.path.join(farm.PROGRAMS, "drover-host"), *words])
        if not self.named:
            return ["sh", "-c", "exec " + line]
        names = shlex.quote(self.path("names"))
        return ["unshare", "-m", "sh", "-c", f"mount --bind {names} /etc/hosts && exec {line}"]

    def stop_agent(self):
        if self.agent is not None and self.agent.poll() is None:
            self.agent.send_signal(signal.SIGTERM)
            self.agent.wait(30)

    def join(self):
        token = self.farm.text("admin", "token").split()
        where = f"{NAME if self.named else '127.0.0.1'}:{self.port}"
        subprocess.run(self.as_host("join", where, token[3], "--dir", self.path("vega"),
                                    "--name", "vega", "--slots", "2"),
                       check=True, capture_output=True, timeout=60)
        with open(self.path("vega.log"), "ab") as log:
            self.agent = subprocess.Popen(self.as_host("run", "--dir", self.path("vega")),
                                          stdout=log, stderr=log)
        self.wait_for_vega()

    def wait_for_vega(self):
        wait_until(lambda: self.farm.host("vega")["state"] == "up", 90, "vega is up")

    def test_a_farm_goes_on_on_another_machine_from_its_backup(self):
        self.say_where("127.0.0.1")
        self.join()
        self.write("word", "first life\n")
        first = self.submit("quick")
        self.finished(first)
        running = self.submit("long")
        step = self.wait_for_start("work")
        self.farm.text("admin", "backup", self.path("saved"))
        # What comes after the backup is only on the old machine, and at the host.
        late = self.submit("quick")
        self.assertEqual(self.finished(late)["result"], "success")
        self.open_gate("work")
        self.assertEqual(self.finished(running)["result"], "success")
        for program in (self.farm.pid("coordinator"), self.farm.process.pid):
            os.kill(program, signal.SIGKILL)  # the machine is gone
        self.farm.process.wait()
        self.farm.process.stdout.close()
        wait_until(lambda: not self.farm.processes_left(), 30, "the old machine is gone")
        self.restore()
        # The host comes by itself, with what it kept.
        self.wait_for_vega()
        done = self.finished(running)
        self.assertEqual((done["result"], done["host"]), ("success", "vega"))
        self.assertEqual([row[:2] for row in self.witness("work")], [("start", 1), ("end", 1)])
        self.assertEqual(self.witness("work")[0][2], step)
        self.assertFalse(alive(step))
        self.assertEqual(self.farm.log(running, "work"), b"attempt 1 waits\nattempt 1 is done\n")
        self.assertEqual(self.farm.log(first, "say"), b"first life\n")
        # A number of after the backup is given again, and nothing of its former life is in it.
        self.write("word", "second life\n")
        again = self.submit("quick")
        self.assertEqual(again, late)
        self.assertEqual(self.finished(again)["result"], "success")
        self.assertEqual(self.farm.log(again, "say"), b"second life\n")

    def restore(self):
        """On the other machine: another folder, another address."""
        address = "127.0.0.2" if self.named else "127.0.0.1"
        there = self.path("elsewhere")
        os.makedirs(there + "/coordinator")
        done = subprocess.run([os.path.join(farm.PROGRAMS, "drover"), "admin", "restore",
                               self.path("saved"), "--dir", there],
                              capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.farm = Farm(farm.PROGRAMS, there)
        os.makedirs(there + "/logs")
        with open(there + "/logs/coordinator.log", "wb") as log:
            self.farm.process = subprocess.Popen(
                [os.path.join(farm.PROGRAMS, "drover-coordinator"), "--dir", there + "/coordinator",
                 "--config", there + "/farm.yaml", "--listen", f"{address}:{self.port}",
                 "--socket", self.farm.address],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
        wait_until(lambda: self.farm.run("hosts").returncode == 0, 60, "the farm answers")
        self.say_where(address)



if __name__ == "__main__":
    farm.main()
