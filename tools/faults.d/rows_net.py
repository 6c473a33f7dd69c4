"""Faults of the network between hosts and coordinator.

SPDX-License-Identifier: Apache-2.0
"""

import random
import time

from history import check
from rig import Broken, lines_step, wait_until
from row import row_list

ROWS, row = row_list()

FLAPPING = 300  # seconds
LEASE = 60  # seconds: what a host was doing when its lease ended runs again

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
    outcome = check(rig, builds, lines=60, reruns=4 if seconds > LEASE else 0)
    outcome.healed, outcome.note = healed, f"noticed after {noticed:.1f} s"
    return outcome


@row(15, "cut off both ways for 5 s", quick=True, namespaces=True, steps=LONG)
def both_ways(rig):
    return cut_row(rig, 5)


@row("15b", "cut off both ways for 90 s: beyond its lease", namespaces=True, steps=LONG)
def beyond_lease(rig):
    return cut_row(rig, 90)


@row("15d", "cut off both ways for 10 s", namespaces=True, steps=LONG)
def ten_seconds(rig):
    return cut_row(rig, 10)


@row("15e", "cut off both ways for 10 min", long=True, namespaces=True, steps=LONG)
def ten_minutes(rig):
    return cut_row(rig, 600)


@row("15f", "a build that only one host may run, which is cut off for 8 s", namespaces=True,
     steps=LONG)
def pinned(rig):
    builds = rig.submit("work", 1, "--host", "h1")
    rig.wait_started(builds)
    begin = time.monotonic()
    rig.cut("h1")
    wait_until(lambda: rig.states().get("h1") != "up", 5, "h1 is not up")
    pause_until(begin, 8)
    said = rig.farm.text("why", builds[0]).strip()
    rig.heal("h1")
    healed = rig.wait_up("h1", seconds=90)
    if "h1" not in said:
        raise Broken(f"it does not say that it waits for h1: {said}")
    outcome = check(rig, builds, lines=60)
    if outcome.hedged:
        raise Broken("it got a second attempt, though no other host may run it")
    outcome.healed, outcome.note = healed, f"it said: {said.splitlines()[0][:100]}"
    return outcome


@row(16, "what the host says is dropped for 8 s", quick=True, namespaces=True, steps=LONG)
def host_unheard(rig):
    return cut_row(rig, 8, to_host=False)


@row("16b", "what the coordinator says is dropped for 8 s", namespaces=True, steps=LONG)
def host_deaf(rig):
    return cut_row(rig, 8, from_host=False)


@row(17, "a link that flaps once a second for five minutes", namespaces=True, steps=LONG)
def flapping(rig):
    begin = time.monotonic()
    builds, flaps, looks = [], 0, []
    while time.monotonic() - begin < FLAPPING:
        rig.link("h1", "down" if flaps % 2 == 0 else "up")
        flaps += 1
        if flaps % 20 == 1:
            builds += rig.submit(count=3)  # something is always under way
        looks.append(rig.states().get("h1"))
        pause_until(time.monotonic(), 0.5)
    rig.link("h1", "up")
    healed = rig.wait_up("h1", seconds=90)
    joins = rig.host("h1")["restarts"]
    outcome = check(rig, builds, lines=60)
    if "lost" in looks or "quarantined" in looks:
        raise Broken(f"h1 was {set(looks)}: flapping is no reason to give it up")
    outcome.healed = healed
    seen = ", ".join(f"{state} {looks.count(state)}" for state in sorted(set(looks)))
    outcome.note = f"{flaps // 2} flaps, {len(builds)} builds; {joins} restarts of it; seen {seen}"
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
    outcome = check(rig, builds, lines=60)
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
    outcome = check(rig, builds, lines=10)
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
    outcome = check(rig, builds, lines=60)
    outcome.healed = healed
    return outcome
