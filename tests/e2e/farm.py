"""What the end-to-end tests share: a farm of real processes in a temporary folder.

SPDX-License-Identifier: Apache-2.0

Each test file is a program: python3 FILE --bin FOLDER_OF_PROGRAMS [unittest's options]
"""

import concurrent.futures
import glob
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(TOP, "tools", "demo.d"))

from farmctl import (Farm, FarmError, agent_of, alive, send_all,  # noqa: E402, F401
                     start_ticks, stop_farms_on_sigterm, wait_until)
from host_groups import remove_groups  # noqa: E402

# What a test proves doesn't depend on how full this machine's disk is.
os.environ["DROVER_KEEP_FREE"] = "0"

PROGRAMS = os.environ.get("DROVER_BIN", os.path.join(TOP, "build", "dev", "bin"))

# A step that says in the file $WITNESS that it runs, waits until the file $GATE is there, and says
# that it ends: no test needs to guess how long anything takes.
GATED_STEP = """
echo "start $DROVER_ATTEMPT $$" >> WITNESS
echo "attempt $DROVER_ATTEMPT waits"
while [ ! -e GATE ]; do sleep 0.05; done
echo "end $DROVER_ATTEMPT $$" >> WITNESS
echo "attempt $DROVER_ATTEMPT is done"
"""


class FarmCase(unittest.TestCase):
    """A test with a farm of its own; `config` is its farm.yaml, in which FOLDER stands for
    `self.folder`."""

    config = ""
    hosts = 1
    slots = 2

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="drover-e2e-")
        self.farm = Farm(PROGRAMS, os.path.join(self.folder, "farm"))
        self.write("farm.yaml", self.config.replace("FOLDER", self.folder))
        self.addCleanup(self.clean)
        self.up("--config", self.path("farm.yaml"))

    def up(self, *options):
        return self.farm.start(*options, "--hosts", str(self.hosts), "--slots", str(self.slots))

    def clean(self):
        failed = any(problem for _, problem in getattr(self._outcome, "errors", [])) or (
            getattr(self._outcome, "result", None) is not None
            and any(test is self for test, _ in self._outcome.result.errors
                    + self._outcome.result.failures))
        try:
            if self.farm.process is not None:
                self.farm.stop()
        finally:
            self.remove_rest()
            if failed:
                self.show_logs()
            shutil.rmtree(self.folder, ignore_errors=True)

    def remove_rest(self):
        """What hosts that were killed leave behind: processes, and their control groups."""
        send_all([pid for pid, _ in self.farm.processes_left()], signal.SIGKILL)
        for place in ("*", "*/hosts/*"):
            for mark in glob.glob(os.path.join(self.folder, place, "machine-id")):
                remove_groups(os.path.dirname(mark))

    def show_logs(self):
        for path in sorted(glob.glob(self.farm.folder + "/logs/*")):
            with open(path, encoding="utf-8", errors="replace") as file:
                print(f"--- {path}\n" + "".join(file.readlines()[-40:]), file=sys.stderr)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, content):
        with open(self.path(name), "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        return self.path(name)

    def gated(self, name):
        """The script of a step with a witness and a gate called `name`, quoted for YAML."""
        return yaml_text(GATED_STEP.replace("WITNESS", shlex.quote(self.path(name + ".witness")))
                         .replace("GATE", shlex.quote(self.path(name + ".gate"))))

    def witness(self, name):
        """[(kind, attempt, pid)] of the gated step `name`."""
        try:
            with open(self.path(name + ".witness"), encoding="ascii") as file:
                rows = [line.split() for line in file]
        except FileNotFoundError:
            return []
        return [(row[0], int(row[1]), int(row[2])) for row in rows]

    def open_gate(self, name):
        self.write(name + ".gate", "")

    def wait_for_start(self, name, attempt=1):
        """The process id of that attempt, once it runs."""
        def look():
            return [row for row in self.witness(name) if row[:2] == ("start", attempt)]
        return wait_until(look, 60, f"attempt {attempt} of {name} starts")[0][2]

    def submit(self, *words):
        """Submits one build and returns its id."""
        return self.farm.text("submit", *words).split()[-1].lstrip("#")

    def build(self, build):
        return self.farm.ask("build", build, codes=(0, 1))

    def finished(self, build, seconds=120):
        """The build once it is finished."""
        def look():
            record = self.build(build)
            return record if record["state"] == "finished" else None
        return wait_until(look, seconds, f"build {build} is finished")

    def refused(self, *words, codes=(2, 4)):
        """The one line in which the command is refused."""
        done = self.farm.run(*words)
        said = done.stderr.decode()
        self.assertIn(done.returncode, codes, f"{words}: {said}")
        self.assertEqual(len(said.strip().splitlines()), 1, f"not one line: {said!r}")
        return said.strip()


def yaml_text(script):
    """The script as a YAML string in double quotes."""
    return '"' + script.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def main(at_once=1):
    """Takes --bin out of the arguments and leaves the rest to unittest.

    `at_once`: so many cases run beside each other, each in a process of its own, if none is named.
    """
    global PROGRAMS
    if "--bin" in sys.argv:
        at = sys.argv.index("--bin")
        PROGRAMS = os.path.abspath(sys.argv[at + 1])
        del sys.argv[at:at + 2]
    stop_farms_on_sigterm()
    if at_once > 1 and len(sys.argv) == 1:
        sys.exit(run_beside(at_once))
    # The test's module is __main__; this one was imported by it and holds PROGRAMS.
    unittest.main(module="__main__", verbosity=2)


def run_beside(at_once):
    """For cases that mostly wait: 0 if all passed."""
    running = set()

    def run(case):
        with subprocess.Popen([sys.executable, sys.argv[0], "--bin", PROGRAMS, case], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as child:
            running.add(child)
            said, _ = child.communicate()
            running.discard(child)
            return child.returncode, said

    cases = [case.id().removeprefix("__main__.")
             for group in unittest.defaultTestLoader.loadTestsFromName("__main__")
             for case in group]
    failed = []
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        try:
            for case, (code, said) in zip(cases, pool.map(run, cases)):
                print(said, end="", flush=True)
                if code != 0:
                    failed.append(case)
        except BaseException:  # stopped from outside: they stop their farms
            pool.shutdown(wait=False, cancel_futures=True)
            for child in list(running):
                child.terminate()
            raise
    print(f"{len(cases) - len(failed)} of {len(cases)} cases passed"
          + "".join(f"\nFAILED: {case}" for case in failed))
    return 1 if failed or not cases else 0
