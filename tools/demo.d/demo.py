#!/usr/bin/env python3
"""The main job: a farm tests real release candidates, is hurt while it works, and heals.

SPDX-License-Identifier: Apache-2.0

tools/demo builds the programs and calls this; see there for the options.
"""

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from farmctl import Farm, FarmError, alive, start_ticks
from sources import NoSources, fetch
from table import Screen, age

HERE = os.path.dirname(os.path.abspath(__file__))
# Short ones first, so that the host to be hurt has something finished that must not run again.
PACKAGES = ["bzip2", "hello", "zlib"]
STEPS = {"bzip2": ["build", "test"], "hello": ["configure", "build", "test"],
         "zlib": ["configure", "build", "test"]}
HOSTS = ["h1", "h2", "h3"]
VICTIM = "h2"
# Steps that go on long enough for a host to die and come back under them.
LONG_STEPS = [("hello", "configure"), ("zlib", "build"), ("hello", "build")]
CAMPAIGN_SECONDS = 900
BACK_SECONDS = 60


class Witness:
    """What the steps themselves wrote down, outside the farm (witness.sh)."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="drover-demo-witness-")

    def entries(self):
        """[(kind, builder, host, step, attempt, pid, ticks, code)]"""
        path = os.path.join(self.folder, "witness")
        if not os.path.exists(path):
            return []
        with open(path, encoding="utf-8") as file:
            rows = [line.split() for line in file.read().splitlines()]
        return [(r[0], r[1], r[2], r[3], int(r[4]), int(r[5]), int(r[6]), r[7])
                for r in rows if len(r) == 8]

    def running_on(self, host):
        """(builder, step, pid, ticks) of steps on `host` that have begun and not ended."""
        open_steps = {}
        for kind, builder, where, step, _, pid, ticks, _ in self.entries():
            if where == host:
                if kind == "start":
                    open_steps[builder, step] = (builder, step, pid, ticks)
                else:
                    open_steps.pop((builder, step), None)
        return list(open_steps.values())

    def ended_on(self, host):
        return [entry for entry in self.entries() if entry[0] == "end" and entry[2] == host]

    def copy_of_log(self, builder, host, step):
        with open(os.path.join(self.folder, f"{builder}.{host}.{step}.log"), "rb") as file:
            return file.read()


class Demo:
    def __init__(self, options):
        self.options = options
        self.farm = Farm(options.bin, options.dir)
        self.witness = Witness()
        self.screen = Screen(PACKAGES, HOSTS)
        self.campaign = ""
        self.wound = None  # what was running on the victim when it was killed
        self.checks = []
        self.seen = {}  # when a cell, or a step of it, was first seen: for ages

    # -- the parts, in order --------------------------------------------------------------------

    def start(self):
        self.screen.heading("A farm: one coordinator, three hosts")
        config = os.path.join(self.witness.folder, "farm.yaml")
        with open(os.path.join(HERE, "farm.yaml"), encoding="utf-8") as file:
            command = f"sh {HERE}/witness.sh {self.witness.folder}"
            text = file.read().replace("@RUN@", command)
        with open(config, "w", encoding="utf-8") as file:
            file.write(text)
        slots = "2" if (os.cpu_count() or 1) >= 6 else "1"
        line = self.farm.start("--config", config, "--hosts", str(len(HOSTS)), "--slots", slots)
        self.screen.note(line, "success")

    def submit(self, tarballs):
        self.screen.heading("One campaign: three release candidates, each on every host")
        words = ["submit", *PACKAGES]
        for package, path in tarballs.items():
            words += ["--source", f"{package}={path}"]
            size = os.path.getsize(path) >> 10
            self.screen.note(f"{package}: {os.path.basename(path)}, {size} KiB")
        said = self.farm.text(*words, "--reason", "the demo")
        found = re.search(r"\bc\d+\b", said)
        self.campaign = found[0] if found else str(self.farm.ask("campaigns")["campaigns"][0]["id"])
        self.screen.note(f"campaign {self.campaign} is accepted, and durable")

    def watch(self):
        end = time.monotonic() + CAMPAIGN_SECONDS
        while True:
            campaign = self.farm.ask("campaign", self.campaign, codes=(0, 1))
            self.screen.show(self.cells(campaign), self.hosts(), self.now(campaign))
            if campaign["state"] == "finished" and not self.victim_is_down():
                return campaign
            if self.wound is None:
                self.hurt()
            elif self.victim_is_down():
                self.look_at_victim()
            if time.monotonic() > end:
                raise FarmError(f"the campaign is not over after {CAMPAIGN_SECONDS} s")
            # A host that is down is back within a second: looked at more often.
            time.sleep(0.05 if self.victim_is_down() else 0.25)

    def cells(self, campaign):
        shown = {}
        for cell in campaign["cells"]:
            key = (cell["builder"], cell.get("host") or cell.get("class") or "")
            result = cell.get("result") or ""
            if result and result != "none":
                kind = "success" if result == "success" else "failure"
                shown[key] = (kind, f"{result} #{cell['build']}", self.took(key))
                continue
            steps = [row for row in self.witness.running_on(key[1]) if row[0] == key[0]]
            if steps:
                self.since(key)
                shown[key] = ("running", steps[-1][1], self.since((*key, steps[-1][1])))
            else:
                began = any(row[1:3] == key for row in self.witness.entries())
                shown[key] = (("running", "between steps", "") if began
                              else ("queued", "waits", ""))
        return shown

    def since(self, key):
        """How long ago that was first seen."""
        return age(time.monotonic() - self.seen.setdefault(key, time.monotonic()))

    def took(self, key):
        """From a cell's first step to its end, as it was seen here."""
        ended = self.seen.setdefault(("ended", *key), time.monotonic())
        return age(ended - self.seen[key]) if key in self.seen else ""

    def hosts(self):
        shown = {host: ("success", "up", "") for host in HOSTS}
        if self.victim_is_down():
            down = time.monotonic() - self.wound["killed_at"]
            shown[VICTIM] = ("failure", "killed", f"{down:.1f} s")
        elif self.wound is not None:
            shown[VICTIM] = ("success", f"up again, {self.wound['seconds']:.1f} s", "")
        return shown

    def now(self, campaign):
        """What happens, in one line."""
        green = sum(cell.get("result") == "success" for cell in campaign["cells"])
        text = f"{green} of {len(campaign['cells'])} green"
        if campaign["state"] == "finished":
            return text + ", the campaign is over"
        if self.wound is None:
            return text + f"; {VICTIM} will be killed in the middle of a step"
        builder, step, pid, _ = self.wound["step"]
        if self.victim_is_down():
            goes = "goes on without it" if alive(pid) else "has ended"
            return text + f"; {VICTIM} is dead, its step {builder} {step} (process {pid}) {goes}"
        return text + "; the rest of the campaign"

    def victim_is_down(self):
        return self.wound is not None and "seconds" not in self.wound

    def hurt(self):
        """kill -9 of a host at work."""
        running = [row for row in self.witness.running_on(VICTIM) if row[:2] in LONG_STEPS]
        if not running or not self.witness.ended_on(VICTIM):
            return
        pid = self.farm.pid(VICTIM)
        self.wound = {"step": running[0], "ended": self.witness.ended_on(VICTIM), "pid": pid,
                      "restarts": self.farm.host(VICTIM)["restarts"]}
        builder, step, step_pid, _ = running[0]
        self.screen.note(f"now kill -9 {pid}: drover-host {VICTIM}, in the middle of {builder}'s "
                         f"{step} (process {step_pid})")
        self.wound["killed_at"] = time.monotonic()
        os.kill(pid, signal.SIGKILL)

    def look_at_victim(self):
        """Notes that it is back, once it is."""
        fresh = self.farm.pid(VICTIM)
        host = self.farm.host(VICTIM)
        down = time.monotonic() - self.wound["killed_at"]
        if (fresh in (None, self.wound["pid"]) or host["state"] != "up"
                or host["restarts"] <= self.wound["restarts"]):
            if down > BACK_SECONDS:
                raise FarmError(f"{VICTIM} is not back within {BACK_SECONDS} s")
            return
        self.wound["seconds"] = down
        _, _, step_pid, ticks = self.wound["step"]
        still = alive(step_pid) and start_ticks(step_pid) == ticks
        self.wound["same_process"] = still
        self.screen.note(f"{VICTIM} is back by itself after {down:.1f} s, process {fresh}; the "
                         "step is " + ("the same process" if still else "gone"),
                         "success" if still else "failure")

    # -- what must hold -------------------------------------------------------------------------

    def check(self, what, holds, detail=""):
        self.checks.append(bool(holds))
        word = ("ok    ", "success") if holds else ("FAILED", "failure")
        why = f": {detail}" if detail and not holds else ""
        self.screen.say(f"  {self.screen.paint(*word)} {what}{why}")

    def verify(self, campaign):
        self.screen.heading("What must hold")
        cells = campaign["cells"]
        green = [cell for cell in cells if cell.get("result") == "success"]
        self.check("nine cells, all green", len(cells) == 9 and len(green) == 9,
                   f"{len(green)} of {len(cells)}")
        self.verify_wound()
        entries = self.witness.entries()
        runs = [entry for entry in entries if entry[0] == "start"]
        wanted = sorted((b, h, s) for b in PACKAGES for h in HOSTS for s in STEPS[b])
        self.check("by the steps' own witness, each of the 24 steps ran exactly once",
                   sorted(row[1:4] for row in runs) == wanted, f"{len(runs)} runs")
        self.check("each of them ended well, as attempt 1",
                   all(row[4] == 1 and row[7] in ("-", "0") for row in entries))
        builds = {cell["build"]: self.farm.ask("build", cell["build"], codes=(0, 1))
                  for cell in cells if cell.get("build")}
        attempts = [len(step["attempts"]) for build in builds.values() for step in build["steps"]]
        self.check("by the farm's record too: one attempt for each step",
                   len(attempts) == 24 and set(attempts) == {1}, str(attempts))
        self.verify_logs(cells)

    def verify_wound(self):
        if self.wound is None:
            self.check(f"{VICTIM} was killed while it worked", False, "no step ran long enough")
            return
        self.check(f"{VICTIM} was killed at work and came back by itself", True)
        self.check("the step under it went on as the same process", self.wound.get("same_process"))
        ended = [row[1:6] for row in self.wound["ended"]]
        again = [row for row in self.witness.ended_on(VICTIM) if row[1:6] not in ended
                 and row[1:4] in [old[:3] for old in ended]]
        self.check("nothing that had finished was run again", not again, str(again))

    def verify_logs(self, cells):
        different = []
        size = 0
        for cell in cells:
            for step in STEPS[cell["builder"]]:
                stored = self.farm.log(cell["build"], step)
                size += len(stored)
                if stored != self.witness.copy_of_log(cell["builder"], cell["host"], step):
                    different.append(f"build {cell['build']} {step}")
        self.check(f"all 24 logs ({size >> 10} KiB) are byte for byte what the steps wrote",
                   not different, ", ".join(different))

    def restart(self, campaign):
        self.farm.stop()
        left = self.farm.processes_left()
        self.check("stopped, the farm leaves no process behind", not left, str(left))
        self.farm.start()
        again = self.farm.ask("campaign", self.campaign, codes=(0, 1))
        self.check("started again, it knows all results", again["cells"] == campaign["cells"])

    # -- the end --------------------------------------------------------------------------------

    def farewell(self, good, campaign):
        drover = os.path.join(self.farm.programs, "drover")
        folder = self.farm.folder
        self.screen.heading("The campaign")
        self.screen.table(self.cells(campaign))
        build = campaign["cells"][0]["build"]
        if self.options.keep:
            commands = [(f"{drover} --farm {folder} campaign {self.campaign}", "its table"),
                        (f"{drover} --farm {folder} log {build} test", "what a step printed"),
                        (f"kill {self.farm.process.pid}", "stops the farm, which stays up")]
        else:
            commands = [(f"{drover} up --dir {folder}", "the same farm again, in a terminal"),
                        (f"{drover} --farm {folder} campaign {self.campaign}",
                         "its table, in another one"),
                        (f"{drover} --farm {folder} log {build} test", "what a step printed")]
        self.screen.heading("What to do next")
        for command, what in commands:
            print(f"  {command}\n      {self.screen.paint(what, 'quiet')}")
        print("  README.md has a farm of your own in five minutes.")
        seconds = time.monotonic() - self.screen.began
        print(self.screen.paint(f"\n{'All good' if good else 'NOT good'}, in {seconds:.0f} s.",
                                "success" if good else "failure"), flush=True)

    def run(self):
        tarballs = fetch(PACKAGES, lambda text: print(f"demo: {text}", flush=True))
        keep = False
        try:
            self.start()
            self.submit(tarballs)
            campaign = self.watch()
            self.verify(campaign)
            self.restart(campaign)
            good = all(self.checks)
            self.farewell(good, campaign)
            keep = self.options.keep
            return 0 if good else 1
        finally:
            self.screen.close()
            if not keep:
                self.farm.stop()
            if self.checks and all(self.checks):
                shutil.rmtree(self.witness.folder)
            else:
                print(f"demo: the steps' own notes are in {self.witness.folder}, logs of the "
                      f"programs in {self.farm.folder}/logs", file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(prog="tools/demo")
    parser.add_argument("--keep", action="store_true", help="leave the farm running at the end")
    parser.add_argument("--dir", default="demo-farm", help="where the farm lives")
    parser.add_argument("--bin", required=True, help="the folder of the programs")
    options = parser.parse_args()
    # A SIGTERM ends the farm too, as Ctrl-C does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return Demo(options).run()
    except (FarmError, NoSources, subprocess.SubprocessError, OSError) as problem:
        print(f"demo: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("demo: stopped", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
