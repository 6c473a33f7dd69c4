"""A farm of real processes that the harness itself starts, starts again, cuts off and kills.

SPDX-License-Identifier: Apache-2.0

`drover up` makes the keys once; then coordinator and hosts are children of this program, hosts in
network namespaces of their own where a row wants to cut them off.
"""

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tools", "demo.d"))

from chaos import ChaosProxy, start_loop, stop_loop  # noqa: E402
from farmctl import (Farm, FarmError, agent_of, alive, send_all,  # noqa: E402, F401
                     stop_farms_on_sigterm, wait_until)
from host_groups import remove_groups  # noqa: E402

# Every step says in a file outside the farm when it begins and ends: a witness that the farm
# can't talk to. One line is one write with O_APPEND.
WITNESSED = """
set -e
echo "start $DROVER_BUILD_ID $DROVER_STEP $DROVER_ATTEMPT $DROVER_HOST $(date +%s.%N)" >> WITNESS
BODY
echo "end $DROVER_BUILD_ID $DROVER_STEP $DROVER_ATTEMPT $DROVER_HOST $(date +%s.%N)" >> WITNESS
"""

LINES = """i=0
while [ $i -lt COUNT ]; do
  i=$((i + 1))
  echo "build $DROVER_BUILD_ID step $DROVER_STEP line $i"
  sleep PAUSE
done"""

RESTART_AFTER = 0.1


class Skip(Exception):
    """The row can't be caused on this machine; the text says why."""


class Broken(Exception):
    """The farm has not survived the fault; the text says what was seen."""


def yaml_text(script):
    """The script as a YAML string in double quotes."""
    return '"' + script.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def lines_step(count, pause):
    """A step's body that prints `count` lines, one each `pause` seconds."""
    return LINES.replace("COUNT", str(count)).replace("PAUSE", str(pause))


def run(*words, check=True):
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        raise FarmError(f"{' '.join(words)}: {done.stderr.strip() or done.stdout.strip()}")
    return done


class Program:
    """A child that is started again when it dies, unless it is held down."""

    def __init__(self, name, words, log, namespace=None):
        self.name, self.words, self.log = name, words, log
        self.namespace = namespace
        self.prefix, self.environment = [], {}
        self.child, self.held, self.starts = None, False, 0

    def start(self):
        inside = ["ip", "netns", "exec", self.namespace] if self.namespace else []
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(
                inside + self.prefix + self.words, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, env={**os.environ, **self.environment}, start_new_session=True)
        self.starts += 1

    @property
    def pid(self):
        return self.child.pid if self.child and self.child.poll() is None else None


class Rig:
    """Coordinator and hosts h1 ... hN on this machine."""

    def __init__(self, programs, folder, steps=None, hosts=3, slots=2, more_config="",
                 namespaces=False, coordinator_options=(), web=False, chaos=False):
        self.bin, self.folder = os.path.abspath(programs), folder
        self.witness = os.path.join(folder, "witness")
        self.farm = Farm(programs, os.path.join(folder, "farm"))
        self.names = [f"h{i + 1}" for i in range(hosts)]
        self.slots, self.namespaces, self.chaos = slots, namespaces, chaos
        self.proxies, self.loop, self.given = {}, None, None
        self.options = list(coordinator_options)
        self.web = free_port() if web else None
        if web:
            self.options += ["--web", f"127.0.0.1:{self.web}"]
        self.programs, self.stopping = {}, False
        self.prefix = f"dv{os.getpid() % 10000}"
        self.network = f"10.{128 + os.getpid() % 100}"  # two harnesses may run at once
        self.config = self.make_config(steps or {"work": [lines_step(40, 0.02)] * 3}, more_config)
        self.lock = threading.Lock()

    def make_config(self, steps, more):
        text = "farm: faults\nbuilders:\n"
        for builder, bodies in steps.items():
            text += f"  {builder}:\n    steps:\n"
            for number, body in enumerate(bodies):
                extra = ""
                if isinstance(body, tuple):
                    body, extra = body
                script = WITNESSED.replace("WITNESS", self.witness).replace("BODY", body)
                script = script.replace("FOLDER", self.folder)
                text += f"      - {{name: s{number + 1}, run: {yaml_text(script)}{extra}}}\n"
        return text + more.replace("FOLDER", self.folder).replace("NAMESPACES", self.prefix)

    # -- life ------------------------------------------------------------------------------------

    def start(self):
        os.makedirs(self.folder, exist_ok=True)
        config = os.path.join(self.folder, "farm.yaml")
        with open(config, "w", encoding="utf-8") as file:
            file.write(self.config)
        self.farm.start("--config", config, "--hosts", str(len(self.names)), "--slots",
                        str(self.slots))
        self.farm.stop()
        self.port = free_port()
        there = self.farm.folder
        self.add("coordinator", ["drover-coordinator", "--dir", there + "/coordinator", "--config",
                                 there + "/farm.yaml", "--folder", self.folder, "--listen",
                                 f"{'0.0.0.0' if self.namespaces else '127.0.0.1'}:{self.port}",
                                 "--socket", there + "/drover.sock", *self.options])
        for number, name in enumerate(self.names):
            self.add_host(name, number)
        threading.Thread(target=self.watch, daemon=True).start()
        self.wait_answer()
        self.wait_up(*self.names)

    def add_host(self, name, number):
        address, namespace = "127.0.0.1", None
        if self.namespaces:
            address, namespace = f"{self.network}.{number + 1}.1", f"{self.prefix}{name}"
            self.make_namespace(namespace, number)
        there, port = self.farm.folder, self.port
        keys = f"{there}/hosts/{name}/keys"
        keys = keys if os.path.isdir(keys) else self.find_keys(name)
        if self.chaos:
            self.loop = self.loop or start_loop()
            self.proxies[name] = ChaosProxy(self.loop, (there + "/coordinator/keys", keys), port,
                                            random.getrandbits(32))
            port = self.proxies[name].port
        self.add(name, ["drover-host", "--name", name, "--dir", f"{there}/hosts/{name}",
                        "--coordinator", f"{address}:{port}", "--keys", keys, "--slots",
                        str(self.slots), "--step-user", "none"], namespace)

    def find_keys(self, name):
        for place, _, files in os.walk(self.farm.folder):
            if "host.key" in files and f"/{name}" in place + "/":
                return place
        raise FarmError(f"no keys of {name} below {self.farm.folder}")

    def add(self, name, words, namespace=None):
        words = [os.path.join(self.bin, words[0]), *words[1:]]
        program = Program(name, words, f"{self.farm.folder}/logs/{name}.log", namespace)
        self.programs[name] = program
        program.start()

    def watch(self):
        while not self.stopping:
            with self.lock:
                for program in list(self.programs.values()):
                    if program.child.poll() is not None and not program.held:
                        time.sleep(RESTART_AFTER)
                        program.start()
            time.sleep(0.02)

    def stop(self):
        self.stopping = True
        with self.lock:
            for program in self.programs.values():
                program.held = True
                if program.pid:
                    os.killpg(program.pid, signal.SIGCONT)
                    os.killpg(program.pid, signal.SIGKILL)
                    program.child.wait()
        send_all([pid for pid, _ in self.farm.processes_left()], signal.SIGKILL)
        for name in self.names:
            remove_groups(self.farm.folder + f"/hosts/{name}")
        if self.loop:
            stop_loop(self.loop)
            self.loop = None
        for number, name in enumerate(self.names if self.namespaces else ()):
            run("ip", "link", "del", f"{self.prefix}v{number + 1}", check=False)
            run("ip", "netns", "del", f"{self.prefix}{name}", check=False)

    # -- networks --------------------------------------------------------------------------------

    def make_namespace(self, namespace, number):
        outer = f"{self.prefix}v{number + 1}"
        if shutil.which("ip") is None or shutil.which("nft") is None:
            raise Skip("iproute2 or nftables is not installed")
        if run("ip", "netns", "add", namespace, check=False).returncode != 0:
            raise Skip("this machine gives no network namespaces")
        near, far = (f"{self.network}.{number + 1}.{end}/30" for end in (1, 2))
        run("ip", "link", "add", outer, "type", "veth", "peer", "name", "eth0", "netns", namespace)
        run("ip", "addr", "add", near, "dev", outer)
        run("ip", "link", "set", outer, "up")
        run("ip", "-n", namespace, "addr", "add", far, "dev", "eth0")
        run("ip", "-n", namespace, "link", "set", "eth0", "up")
        run("ip", "-n", namespace, "link", "set", "lo", "up")

    def cut(self, host, to_host=True, from_host=True):
        """Drops packets of one direction or both, without a word to either side."""
        inside = ["ip", "netns", "exec", f"{self.prefix}{host}", "nft"]
        run(*inside, "add", "table", "inet", "cut")
        for hook, wanted in (("input", to_host), ("output", from_host)):
            if wanted:
                chain = f"add chain inet cut {hook} {{ type filter hook {hook} priority 0 ; }}"
                run(*inside, chain)
                run(*inside, "add", "rule", "inet", "cut", hook, "drop")

    def heal(self, host):
        run("ip", "netns", "exec", f"{self.prefix}{host}", "nft", "delete", "table", "inet", "cut")

    def link(self, host, state):
        run("ip", "-n", f"{self.prefix}{host}", "link", "set", "eth0", state)

    # -- violence --------------------------------------------------------------------------------

    def kill(self, name, how=signal.SIGKILL):
        pid = self.programs[name].pid
        if pid:
            os.kill(pid, how)
            if how == signal.SIGKILL:
                wait_until(lambda: not alive(pid), 10, f"{name} is dead")
        return pid

    def hold(self, name):
        """Kills it and keeps it down until `release`."""
        self.programs[name].held = True
        self.kill(name)

    def release(self, name):
        self.programs[name].held = False

    def agent(self, name):
        """The process id of the agent below a drover-host; None while there is none."""
        return agent_of(self.programs[name].pid)

    def machine(self, name):
        """All processes of a host: its programs, its keepers, its steps."""
        own = self.farm.folder + f"/hosts/{name}"
        return [pid for pid, line in self.farm.processes_left()
                if own in line or self.works_in(pid, own)]

    @staticmethod
    def works_in(pid, folder):
        try:
            return (os.readlink(f"/proc/{pid}/cwd") + "/").startswith(folder + "/")
        except OSError:
            return False

    def power_off(self, name):
        """All of the host dies at once, as with its power."""
        self.programs[name].held = True
        pids = self.machine(name)
        send_all(pids, signal.SIGSTOP)  # nobody reacts to another's death
        send_all(pids, signal.SIGKILL)

    # -- questions -------------------------------------------------------------------------------

    def wait_answer(self, seconds=60):
        begin = time.monotonic()
        wait_until(lambda: self.farm.run("hosts").returncode == 0, seconds, "the farm answers")
        return time.monotonic() - begin

    def states(self):
        done = self.farm.run("hosts", "--json")
        if done.returncode != 0:
            return {}
        return {one["name"]: one["state"] for one in json.loads(done.stdout)["hosts"]}

    def host(self, name):
        return self.farm.host(name)

    def wait_up(self, *names, seconds=60):
        begin = time.monotonic()
        wait_until(lambda: all(self.states().get(name) == "up" for name in names), seconds,
                   f"{', '.join(names)} up (now {self.states()})")
        return time.monotonic() - begin

    def submit(self, builder="work", count=1, *more):
        return [self.farm.text("submit", builder, *more).split()[-1].lstrip("#")
                for _ in range(count)]

    def build(self, build):
        return self.farm.ask("build", build, codes=(0, 1))

    def finished(self, builds, seconds=120):
        records = []
        for build in builds:
            def look(build=build):
                try:
                    record = self.build(build)
                except FarmError:
                    return None  # the coordinator is down at this moment
                return record if record["state"] == "finished" else None
            records.append(wait_until(look, seconds, f"build {build} is finished"))
        return records

    def seen(self):
        """What the witness saw: (kind, build, step, attempt, host, time)."""
        try:
            with open(self.witness, encoding="ascii") as file:
                rows = [line.split() for line in file]
        except FileNotFoundError:
            return []
        return [(k, b, s, int(a), h, float(t)) for k, b, s, a, h, t in rows]

    def wait_started(self, builds, seconds=60):
        wanted = set(builds)
        wait_until(lambda: wanted <= {row[1] for row in self.seen() if row[0] == "start"}, seconds,
                   f"builds {', '.join(builds)} run")

    def events(self, kind=None):
        more = ("--kind", kind) if kind else ()
        return self.farm.ask("events", "--limit", "500", *more)["events"]
