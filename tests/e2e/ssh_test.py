#!/usr/bin/env python3
"""Steps on a machine without an agent, by a real sshd: cut off, ended, lost, cleaned up after.

SPDX-License-Identifier: Apache-2.0
"""

import getpass
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import unittest

from farm import FarmCase, agent_of, alive, main, wait_until

SSHD = shutil.which("sshd", path=os.environ.get("PATH", "") + ":/usr/sbin")
SKIPPED = 77

CONFIG = """
farm: example
hosts:
  near: {}
  far: {via: "ssh://USER@127.0.0.1:PORTFOLDER/there", slots: 2, labels: {class: far}}
builders:
  whole:
    requires: "class == 'far'"
    artifacts: ["made/**/*.txt"]
    steps:
      - name: look
        run: "cat hello; pwd; echo $DROVER_WORKSPACE $DROVER_HOST \\"it's $WORD\\""
        env: {WORD: "a b"}
      - name: make
        run: |
          mkdir -p made/deep
          echo one > made/deep/a.txt
          echo two > $DROVER_OUT/b
          echo no > other
      - {name: fail, run: "echo last; exit 7", always: true}
  long:
    requires: "class == 'far'"
    steps:
      - {name: work, run: GATED}
  stubborn:
    requires: "class == 'far'"
    steps:
      - name: work
        run: |
          trap '' TERM
          sleep 600 &
          echo $! > FOLDER/child
          echo $$ > FOLDER/parent
          echo begun
          wait
          sleep 600
"""

LINES = "i=0; while [ $i -lt 20000 ]; do echo \"line $i of a long log\"; i=$((i+1)); done\n"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class SshTest(FarmCase):
    hosts = 0
    slots = 2
    config = CONFIG

    def setUp(self):
        self.port = free_port()
        self.sshd = None
        super().setUp()

    def write(self, name, content):
        if name == "farm.yaml":
            gated = self.gated("work").replace('"', '"' + LINES.replace("\\", "\\\\")
                                               .replace('"', '\\"').replace("\n", "\\n"), 1)
            content = (content.replace("GATED", gated).replace("FOLDER", self.folder)
                       .replace("USER", getpass.getuser()).replace("PORT", str(self.port)))
        return super().write(name, content)

    def up(self, *options):
        for name in ("server", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.path(name)],
                           check=True)
        shutil.copy(self.path("user.pub"), self.path("authorized"))
        with open(self.path("server.pub"), encoding="ascii") as file:
            self.write("known", f"[127.0.0.1]:{self.port} {file.read()}")
        self.write("sshd_config", f"Port {self.port}\nListenAddress 127.0.0.1\n"
                   f"HostKey {self.path('server')}\nAuthorizedKeysFile {self.path('authorized')}\n"
                   "StrictModes no\nUsePAM no\nPasswordAuthentication no\nPidFile none\n"
                   "MaxStartups 100\nPermitRootLogin yes\n")
        os.makedirs(self.farm.folder)
        self.write("farm/ssh_config", f"Host *\n  IdentityFile {self.path('user')}\n"
                   f"  UserKnownHostsFile {self.path('known')}\n  IdentitiesOnly yes\n"
                   "  StrictHostKeyChecking yes\n")
        self.start_sshd()
        self.addCleanup(self.stop_sshd)
        return super().up(*options)

    def start_sshd(self):
        if os.geteuid() == 0:
            os.makedirs("/run/sshd", exist_ok=True)
        with open(self.path("sshd.log"), "ab") as log:
            self.sshd = subprocess.Popen([SSHD, "-D", "-e", "-f", self.path("sshd_config")],
                                         stderr=log)

        def answers():
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", self.port)) == 0
        wait_until(answers, 20, "sshd answers")

    def sessions(self):
        """The processes that sshd has for its connections, deepest last."""
        found, look = [], [self.sshd.pid]
        while look:
            pid = look.pop(0)
            try:
                with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
                    children = [int(word) for word in file.read().split()]
            except OSError:
                continue
            for child in children:
                with open(f"/proc/{child}/comm", encoding="ascii") as file:
                    if file.read().startswith("sshd"):
                        found.append(child)
                        look.append(child)
        return found

    def cut(self):
        """All connections break, as by a cable that is pulled."""
        victims = self.sessions()
        for pid in victims:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        return len(victims)

    def stop_sshd(self):
        if self.sshd is not None:
            self.cut()
            self.sshd.kill()
            self.sshd.wait()
            self.sshd = None

    def wait_for_far(self):
        return wait_until(lambda: next((host for host in self.farm.ask("hosts")["hosts"]
                                        if host["name"] == "far" and host["state"] == "up"), None),
                          60, "the far host is up")

    def nothing_left(self):
        there = self.path("there/far")
        wait_until(lambda: os.listdir(there) == [], 60, f"{there} is empty: {os.listdir(there)}")

    # -- tests -------------------------------------------------------------------------------------

    def test_a_build_works_there_and_leaves_nothing(self):
        facts = self.wait_for_far()["facts"]
        self.assertEqual(facts["via"], f"ssh://{getpass.getuser()}@127.0.0.1:{self.port}"
                         f"{self.folder}/there")
        self.assertEqual((facts["os"], facts["step_limits"], facts["cgroup"], facts["sandbox"]),
                         ("linux", "log", "none", "none"))
        self.assertIn("via ssh://", self.farm.text("hosts"))
        os.mkdir(self.path("source"))
        self.write("source/hello", "hello from the source\n")
        subprocess.run(["tar", "czf", self.path("source.tar.gz"), "-C", self.folder, "source"],
                       check=True)
        build = self.submit("whole", "--source", self.path("source.tar.gz"))
        done = self.finished(build)
        self.assertEqual((done["result"], done["host"]), ("failure", "far"))
        work = f"{self.folder}/there/far/{build}-1/work"
        self.assertEqual(self.farm.log(build, "look").decode(),
                         f"hello from the source\n{work}\n{work} far it's a b\n")
        self.assertEqual(self.farm.log(build, "fail"), b"last\n")
        self.assertEqual(done["steps"][2]["attempts"][0]["exit_code"], 7)
        kept = self.farm.ask("artifacts", build)["artifacts"]
        self.assertEqual({(row["path"], row["sha256"]) for row in kept},
                         {(path, hashlib.sha256(text).hexdigest()) for path, text in
                          (("made/deep/a.txt", b"one\n"), ("b", b"two\n"))})
        self.nothing_left()

    def test_a_step_runs_on_while_connections_and_the_agent_are_cut(self):
        self.wait_for_far()
        build = self.submit("long")
        step = self.wait_for_start("work")
        wait_until(self.cut, 60, "there is a connection, and it is cut")
        parent = self.farm.pid("far")
        os.kill(agent_of(parent), signal.SIGKILL)
        wait_until(lambda: b"line 100 " in self.farm.log(build, "work"), 60, "its log comes")
        self.stop_sshd()
        self.start_sshd()
        self.wait_for_far()
        self.assertTrue(alive(step))
        self.open_gate("work")
        done = self.finished(build)
        self.assertEqual(done["result"], "success", done["reason"])
        self.assertEqual([row[:2] for row in self.witness("work")], [("start", 1), ("end", 1)])
        log = "".join(f"line {i} of a long log\n" for i in range(20000))
        self.assertEqual(self.farm.log(build, "work").decode(),
                         log + "attempt 1 waits\nattempt 1 is done\n")
        self.nothing_left()

    def test_a_step_is_ended_as_a_whole(self):
        self.wait_for_far()
        build = self.submit("stubborn")
        wait_until(lambda: self.farm.log(build, "work") == b"begun\n", 60, "it has begun")
        self.farm.text("cancel", build)
        done = self.finished(build)
        self.assertEqual(done["result"], "cancelled")
        self.assertEqual(self.farm.log(build, "work"), b"begun\n")
        for name in ("parent", "child"):
            with open(self.path(name), encoding="ascii") as file:
                pid = int(file.read())
            wait_until(lambda one=pid: not alive(one), 60, f"the step's {name} is ended")
        self.nothing_left()

    def test_a_step_that_its_machine_lost_runs_once_more_and_is_nobodys_failure(self):
        self.wait_for_far()
        build = self.submit("long")
        self.lose(self.wait_for_start("work"))
        self.wait_for_start("work", attempt=2)
        self.open_gate("work")
        done = self.finished(build)
        self.assertEqual(done["result"], "success", done["reason"])
        first, second = done["steps"][0]["attempts"]
        self.assertIn("the far machine lost the step while it ran", first["reason"])
        self.assertEqual(second["result"], "success")
        self.nothing_left()
        os.remove(self.path("work.gate"))
        os.remove(self.path("work.witness"))
        build = self.submit("long")
        self.lose(self.wait_for_start("work"))
        self.lose(self.wait_for_start("work", attempt=2))
        done = self.finished(build)
        self.assertEqual((done["result"], len(done["steps"][0]["attempts"])), ("exception", 2))
        self.assertIn("the far machine lost the step while it ran", done["reason"])
        self.nothing_left()

    @staticmethod
    def lose(step):
        """As by a restart of that machine: all that ran is gone, without a word."""
        os.killpg(os.getpgid(step), signal.SIGKILL)


if __name__ == "__main__":
    if SSHD is None:
        print("no sshd on this machine")
        sys.exit(SKIPPED)
    main()
