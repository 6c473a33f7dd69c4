"""Many hosts over TLS: what each costs, how quickly they join, whether beats go on meanwhile.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import os
import signal
import time

from drive.farms import BenchFarm, processor_seconds, resident
from drive.figures import Figure, Wanted
from drive.programs import BenchError, LoadProgram

from .noop import CONFIG

WITNESSES = 20  # hosts that are there before the herd comes
WINDOW = 32     # hosts of one process that join at once
PER_PROCESS = 2500
SETTLE_SECONDS = 5
KILL_SECONDS = 60


class Herd:
    """Load programs with their hosts, and the farm that they join."""

    def __init__(self, context, farm, count):
        self.context, self.farm, self.count = context, farm, count
        self.programs = []

    def program(self, stack, prefix, count, window):
        keys = os.path.join(self.farm.folder, "coordinator", "keys")
        words = (self.farm.ready_line.split("listen=")[1].split()[0], keys, prefix, count, window)
        return stack.enter_context(LoadProgram(self.context.program("bench_light_hosts"), *words))

    def start(self, stack):
        self.witnesses = self.program(stack, "w", WITNESSES, WITNESSES)
        left, number = self.count, 0
        while left > 0:
            size = min(left, max(PER_PROCESS, (self.count + 1) // 2))
            self.programs.append(self.program(stack, f"p{number}-", size, WINDOW))
            left, number = left - size, number + 1
        for one in [self.witnesses, *self.programs]:
            one.answer()  # its keys are made
        self.witnesses.ask("join")

    def join(self):
        """Hosts that have joined, how many seconds that took, and tries that failed."""
        for one in self.programs:
            one.order("join")
        answers = [one.answer() for one in self.programs]
        return (sum(one["joined"] for one in answers), max(one["seconds"] for one in answers),
                sum(one["tries_failed"] for one in answers))

    def report(self):
        """What all hosts saw since the last report, the witnesses too."""
        answers = [one.ask("report") for one in [self.witnesses, *self.programs]]
        total = {key: sum(one[key] for one in answers) for key in ("sent", "answered", "open",
                                                                   "dropped")}
        total["worst_ms"] = max(one["worst_ms"] for one in answers)
        total["witnesses_ms"] = answers[0]["worst_ms"]
        return total


def kill_one(farm):
    """Kills the real host and waits until the farm has it back."""
    def state():
        return farm.api.ask("GET", "/api/v1/hosts/h1")
    before = state()["restarts"]
    os.kill(farm.pid("h1"), signal.SIGKILL)
    end = time.monotonic() + KILL_SECONDS
    while (now := state())["restarts"] == before or now["state"] != "up":
        if time.monotonic() > end:
            raise BenchError(f"a killed host is {now['state']} after {KILL_SECONDS} s")
        time.sleep(0.05)


def measure_herd(context, count):
    with BenchFarm(context, f"hosts-{count}", CONFIG) as farm, contextlib.ExitStack() as stack:
        coordinator = farm.pid("coordinator")
        os.sched_setaffinity(coordinator, context.cores[:1])
        herd = Herd(context, farm, count)
        herd.start(stack)
        memory, processor = resident(coordinator), processor_seconds(coordinator)
        herd.report()
        joined, seconds, failed = herd.join()
        joining = herd.report()
        cost = (processor_seconds(coordinator) - processor) / joined
        begin, processor = time.monotonic(), processor_seconds(coordinator)
        time.sleep(SETTLE_SECONDS)  # beats go on; nothing else happens
        idle = (processor_seconds(coordinator) - processor) / (time.monotonic() - begin)
        calm = herd.report()
        grown = resident(coordinator) - memory
        try:
            kill_one(farm)
        except BenchError as why:  # what was seen until now stands
            context.notes.append(f"{count:,} hosts: {why}")
        killed = herd.report()
        context.say(f"{count} hosts: {joined} joined in {seconds:.1f} s, joining {joining}, "
                    f"calm {calm}, "
                    f"killed {killed}")
    return {"kB": grown / joined / 1000, "joined": joined / count * 100,
            "joins": joined / seconds, "join_ms": cost * 1e3,
            "failed": failed, "idle": idle * 100, "joining": joining, "calm": calm,
            "killed": killed}


def figures_of(count, seen):
    def figure(what, unit, value, **more):
        return Figure("hosts", f"{count:,} hosts: {what}", unit, [value], **more)
    joining, calm, killed = seen["joining"], seen["calm"], seen["killed"]
    lost = joining["dropped"] + calm["dropped"]
    return [
        figure("coordinator's memory a host", "kB", seen["kB"], less=True, goal="16 kB"),
        figure("have joined", "%", seen["joined"], start=Wanted("value", ">=", 100)),
        figure("joins", "hosts/s", seen["joins"],
               note=f"{seen['join_ms']:.2f} ms of the coordinator's processor each; "
                    f"{seen['failed']} tries failed"),
        figure("beats answered while they join", "%",
               100 * (joining["sent"] - joining["open"]) / joining["sent"], goal="100",
               note=f"worst wait for an answer {joining['worst_ms']:.0f} ms, of hosts that were "
                    f"there before {joining['witnesses_ms']:.0f} ms"),
        figure("worst wait of a beat while they join", "ms", joining["worst_ms"], less=True,
               start=Wanted("value", "<", 700)),
        figure("links lost while they join and beat", "links", lost, less=True,
               start=Wanted("value", "<=", 0)),
        figure("processor of the coordinator, all beating", "%", seen["idle"], less=True,
               goal="<= 5 %"),
        figure("links lost by others when a host is killed", "links", killed["dropped"], less=True,
               start=Wanted("value", "<=", 0),
               note=f"worst wait for an answer meanwhile {killed['worst_ms']:.0f} ms"),
    ]


def measure(context):
    figures = []
    for count in context.size((1000, 5000), (200,)):
        try:
            figures += figures_of(count, measure_herd(context, count))
        except BenchError as why:  # the smaller herd's figures stand
            context.notes.append(f"{count:,} hosts: {why}")
            context.say(context.notes[-1])
    return figures
