"""P11: what gets done while hosts die, some jobs kill them, and one host fails all that it gets.

SPDX-License-Identifier: Apache-2.0
"""

import collections
import os
import random
import time

from drive.figures import Figure, Wanted
from drive.programs import BenchError
from drive.rigs import HurtFarm

from rig import wait_until

SEED = 20261123
HOSTS = 20
BLACK_HOLE = f"h{HOSTS}"
STEPS, STEP_SECONDS = 2, 3
DIES_EVERY, DOWN_SECONDS = 30, 3
POISON_PART = 0.02
FIRST_POISON = 10
POISON_HOSTS_MAX = 2
LOOK_SECONDS = 0.02

WORK = f'[ "$DROVER_HOST" != {BLACK_HOLE} ] || exit 1\nsleep {STEP_SECONDS}'


def poison_step(marks):
    """Asks for its host's death, and lives until then."""
    return f'> "{marks}/$DROVER_HOST.$DROVER_BUILD_ID"\nsleep 600'


class Chaos:
    """Kills hosts on time and on a poison's word, and brings each back a while later."""

    def __init__(self, farm, marks, seconds):
        self.farm, self.marks = farm, marks
        chance = random.Random(SEED)
        self.hosts = [name for name in farm.names if name != BLACK_HOLE]
        self.due = {name: chance.uniform(0, DIES_EVERY) for name in self.hosts}
        self.seconds = seconds
        self.deaths = []  # (host, when, when it comes back)
        self.poisoned = collections.Counter()  # by build
        self.down = {}

    def kill(self, name, now):
        self.farm.power_off(name)
        self.down[name] = now + DOWN_SECONDS
        self.deaths.append((name, now, self.down[name]))

    def look(self, begin):
        now = time.time()
        for name in [one for one, until in self.down.items() if until <= now]:
            del self.down[name]
            self.farm.release(name)
        for mark in os.listdir(self.marks):
            name, build = mark.split(".")
            os.remove(os.path.join(self.marks, mark))
            self.poisoned[build] += 1
            if name not in self.down:
                self.kill(name, now)
        for name in self.hosts:
            if now - begin >= self.due[name]:
                self.due[name] += DIES_EVERY
                if name not in self.down:
                    self.kill(name, now)

    def run(self):
        """Begin and end of the window, by the clock of the steps' witness."""
        begin = time.time()
        while time.time() < begin + self.seconds:
            self.look(begin)
            time.sleep(LOOK_SECONDS)
        for name in self.down:
            self.farm.release(name)
        return begin, begin + self.seconds


def oracle_seconds(rows, chaos, window):
    """What the good hosts could have done: all the time that they are up, less what a dying host's
    current step had done."""
    begin, end = window
    total = len(chaos.hosts) * (end - begin)
    for host, when, back in chaos.deaths:
        total -= min(back, end) - when
        before = [row for row in rows if row[4] == host and row[5] <= when]
        if before and before[-1][0] == "start":
            total -= when - max(before[-1][5], begin)
    return total


def original(farm, build, first):
    """The ordered build that this one repeats: the farm's own repeats are no further work."""
    while build not in first:
        record = farm.record(build)
        build = record["retry_of"] or record["opinion_of"]
        if not build:
            raise BenchError(f"build {record['id']} is nobody's repeat")
    return build


def useful_seconds(farm, rows, builds, window):
    """What steps of ordinary builds took of the window if they ended well; each step once."""
    begin, end = window
    known, began, done = {}, {}, {}
    for kind, build, step, attempt, host, when in rows:
        if kind == "start":
            began[build, step, attempt] = when
        elif host != BLACK_HOLE and when > begin and began[build, step, attempt] < end:
            number = int(build)
            if number not in known:
                known[number] = original(farm, number, builds)
            took = min(when, end) - max(began[build, step, attempt], begin)
            done.setdefault((known[number], step), took)
    return sum(done.values())


def running(farm, chaos, poisons, end):
    """Steps that began in the window and run on: their hosts have not died since."""
    died = {host: when for host, when, _ in chaos.deaths}  # the last death of each
    begun = {row[1:5] for row in farm.seen()
             if row[0] == "start" and died.get(row[4], 0) < row[5] < end and row[4] != BLACK_HOLE}
    ended = {row[1:5] for row in farm.seen() if row[0] == "end"}
    return {row for row in begun - ended if int(row[0]) not in poisons}


def orders(count):
    """As many builds, of which a part is poison, evenly strewn in."""
    return ["poison" if number % round(1 / POISON_PART) == FIRST_POISON else "work"
            for number in range(count)]


def measure(context):
    seconds = context.size(120, 40)
    marks = os.path.join(context.work, "poison-marks")
    os.makedirs(marks, exist_ok=True)
    wanted = orders(HOSTS * seconds // (STEPS * STEP_SECONDS) * 3 // 2)
    steps = {"work": [WORK] * STEPS, "poison": [poison_step(marks)]}
    with HurtFarm(context, "goodput", steps=steps, hosts=HOSTS, slots=1) as farm:
        builds = farm.submit_all(wanted)
        wait_until(lambda: len(farm.seen()) >= HOSTS - 1, 60, "the farm is at work")
        chaos = Chaos(farm, marks, seconds)
        window = chaos.run()
        poisons = {build for build, what in zip(builds, wanted) if what == "poison"}
        wait_until(lambda: not running(farm, chaos, poisons, window[1]), 60, "steps end")
        rows = sorted(farm.seen(), key=lambda row: row[5])
        useful = useful_seconds(farm, rows, set(builds), window)
        hole = farm.host(BLACK_HOLE)["state"]
    oracle = oracle_seconds(rows, chaos, window)
    most = max(chaos.poisoned.values(), default=0)
    eaten = sum(row[0] == "start" and row[4] == BLACK_HOLE for row in rows)
    note = (f"{seconds} s: {len(chaos.deaths)} deaths, {len(chaos.poisoned)} poison jobs, "
            f"{eaten} steps began on the black hole (now {hole})")
    context.say(f"{useful:.0f} s of {oracle:.0f} s of work; {note}")
    return [
        Figure("P11", f"work done in chaos, {HOSTS} hosts, against an oracle", "",
               [useful / oracle], start=Wanted("value", ">=", 0.9), goal=">= 0.90", note=note),
        Figure("P11", "deaths of hosts by one poison job", "", [most], less=True,
               start=Wanted("value", "<=", POISON_HOSTS_MAX), goal="<= 2"),
    ]
