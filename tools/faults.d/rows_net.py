"""Faults of the network between hosts and coordinator.

SPDX-License-Identifier: Apache-2.0
"""

import random
import time

from history import check
from rig import Broken, lines_step, wait_until
from row import row_list

ROWS, row = row_list()

LONG = {"work": [lines_step(60, 0.1)] * 2}


def pause_until(begin, seconds):
    """The fault lasts so long: nothing to wait for but time itself."""
    wait_until(lambda: time.monotonic() - begin > seconds, seconds + 5, f"{seconds} s of the fault")


def cut_row(rig, seconds, **directions):
    builds = rig.submit(count=3)
    rig.wait_started(builds)
    victim = next(row[4] for row in rig.seen() if row[1] == builds[0])
    begin = time.monotonic()
    rig.cut(victim, **directions)
    wait_until(lambda: rig.states().get(victim) != "up", 5, f"{victim} is not up")
    noticed = time.monotonic() - begin
    pause_until(begin, seconds)
    rig.heal(victim)
    healed = rig.wait_up(victim, seconds=90)
    outcome = check(rig, builds, lines=60, reruns=4)  # hedges are their own price
    outcome.healed, outcome.note = healed, f"noticed after {noticed:.1f} s"
    return outcome


@row(15, "cut off both ways for 5 s", quick=True, namespaces=True, steps=LONG)
def both_ways(rig):
    return cut_row(rig, 5)


@row("15b", "cut off both ways for 90 s: beyond its lease", namespaces=True, steps=LONG)
def beyond_lease(rig):
    return cut_row(rig, 90)


@row(16, "what the host says is dropped for 8 s", quick=True, namespaces=True, steps=LONG)
def host_unheard(rig):
    return cut_row(rig, 8, to_host=False)


@row("16b", "what the coordinator says is dropped for 8 s", namespaces=True, steps=LONG)
def host_deaf(rig):
    return cut_row(rig, 8, from_host=False)


@row(17, "a link that flaps once a second for a minute", namespaces=True, steps=LONG)
def flapping(rig):
    builds = rig.submit(count=6)
    rig.wait_started(builds[:3])
    begin = time.monotonic()
    flaps = 0
    while time.monotonic() - begin < 60:
        rig.link("h1", "down" if flaps % 2 == 0 else "up")
        flaps += 1
        pause_until(time.monotonic(), 0.5)
    rig.link("h1", "up")
    healed = rig.wait_up("h1", seconds=90)
    outcome = check(rig, builds, lines=60, reruns=12)
    outcome.healed, outcome.note = healed, f"{flaps // 2} flaps"
    return outcome


@row(18, "four of five hosts vanish within a second", namespaces=True, hosts=5, steps=LONG)
def herd_vanishes(rig):
    builds = rig.submit(count=5)
    rig.wait_started(builds)
    gone = rig.names[1:]
    begin = time.monotonic()
    for name in gone:
        rig.cut(name)
    pause_until(begin, 10)
    started = len([row for row in rig.seen() if row[0] == "start"])
    for name in gone:
        rig.heal(name)
    healed = rig.wait_up(*gone, seconds=90)
    outcome = check(rig, builds, lines=60, reruns=2)
    outcome.healed = healed
    outcome.note = f"{started} starts while they were away: no storm of second attempts"
    return outcome


@row("20b", "a host's result comes 75 s late: after its lease", namespaces=True,
     steps={"work": [lines_step(10, 0.1)]})
def late_result(rig):
    builds = rig.submit(count=3)
    rig.wait_started(builds)
    victim = next(row[4] for row in rig.seen() if row[1] == builds[0])
    begin = time.monotonic()
    rig.cut(victim)
    pause_until(begin, 75)
    records = rig.finished(builds, 60)
    decided = {r["id"]: [(s["accepted"] if "accepted" in s else None) for s in r["steps"]]
               for r in records}
    rig.heal(victim)
    healed = rig.wait_up(victim, seconds=90)
    outcome = check(rig, builds, lines=10, reruns=len(builds))
    after = {r["id"]: [(s["accepted"] if "accepted" in s else None) for s in r["steps"]]
             for r in rig.finished(builds)}
    if decided != after:
        raise Broken(f"a late result has changed what was decided: {decided} to {after}")
    outcome.healed, outcome.note = healed, "the late one is evidence and changes nothing"
    return outcome


@row("15c", "cut off and back twelve times at random", namespaces=True, steps=LONG)
def at_random(rig):
    builds = rig.submit(count=6)
    rig.wait_started(builds[:3])
    for _ in range(12):
        name = random.choice(rig.names)
        rig.cut(name)
        pause_until(time.monotonic(), random.uniform(0.2, 3))
        rig.heal(name)
        pause_until(time.monotonic(), random.uniform(0.2, 1))
    healed = rig.wait_up(*rig.names, seconds=90)
    outcome = check(rig, builds, lines=60, reruns=12)
    outcome.healed = healed
    return outcome
