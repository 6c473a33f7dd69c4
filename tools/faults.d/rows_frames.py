"""Faults of single messages, which no packet filter can cause: a proxy inside TLS does (chaos.py).

SPDX-License-Identifier: Apache-2.0
"""

import time

from history import check
from rig import Broken, lines_step, wait_until
from row import row_list
from rows_net import pause_until

ROWS, row = row_list()

WORK = {"work": [lines_step(60, 0.03)] * 3}


def moods(rig, **changes):
    for proxy in rig.proxies.values():
        for name, value in changes.items():
            setattr(proxy.mood, name, value)


def total(rig, what):
    return sum(proxy.counts[what] for proxy in rig.proxies.values())


def decided(records):
    """What was accepted, and how it ended."""
    return {r["id"]: (r["result"], [s["accepted"] for s in r["steps"]]) for r in records}


@row(20, "a result is held for 62 s, its lease ends, it comes twice", chaos=True,
     steps={"work": [lines_step(20, 0.1)]})
def held_result(rig):
    builds = rig.submit(count=2)
    rig.wait_started(builds)
    victim = next(row[4] for row in rig.seen() if row[1] == builds[0])
    proxy = rig.proxies[victim]
    proxy.mood.silent_after_result = True
    wait_until(lambda: proxy.kept, 60, "a result is held")
    begin = time.monotonic()
    before = decided(rig.finished(builds, 90))  # a second attempt elsewhere
    wait_until(lambda: rig.states()[victim] == "lost", 90, f"{victim} is lost")
    pause_until(begin, 62)
    proxy.mood.silent_after_result = proxy.mood.silent = False
    healed = rig.wait_up(victim, seconds=90)
    answered = proxy.answered
    proxy.replay(2)
    wait_until(lambda: proxy.answered >= answered + 2, 30, "the old result has been taken twice")
    after = decided(rig.finished(builds))
    if before != after:
        raise Broken(f"what was decided has changed: {before} to {after}")
    outcome = check(rig, builds, lines=20)
    outcome.healed, outcome.note = healed, "taken as evidence, twice; nothing decided has changed"
    return outcome


@row(21, "every fourth message comes twice, late or overtaken", quick=True, chaos=True,
     steps=WORK)
def shuffled(rig):
    moods(rig, duplicate=0.25, overtake=0.25, delay=0.15)
    builds = rig.submit(count=5)
    rig.finished(builds, 180)
    moods(rig, duplicate=0.0, overtake=0.0, delay=0.0)
    outcome = check(rig, builds, lines=60)
    twice, overtaken = total(rig, "duplicate"), total(rig, "overtake")
    if min(twice, overtaken) < 50:
        raise Broken(f"the proxy did too little: {twice} twice, {overtaken} overtaken")
    links = sum(proxy.connections for proxy in rig.proxies.values())
    if links != len(rig.names):
        raise Broken(f"{links - len(rig.names)} links were dropped by messages that may come twice")
    outcome.note = f"{twice} came twice, {overtaken} were overtaken, no link was dropped"
    return outcome


@row("21b", "frames are repeated as they were: a breach of the protocol", chaos=True, steps=WORK)
def breached(rig):
    moods(rig, repeat=0.02)
    builds = rig.submit(count=6)
    rig.finished(builds, 240)
    moods(rig, repeat=0.0)
    healed = rig.wait_up(*rig.names)
    outcome = check(rig, builds, lines=60)
    repeats = total(rig, "repeat")
    links = sum(proxy.connections for proxy in rig.proxies.values()) - len(rig.names)
    if repeats == 0 or links == 0:
        raise Broken(f"{repeats} breaches, {links} links dropped: that proves nothing")
    outcome.healed = healed
    outcome.note = f"{repeats} breaches, {links} links dropped and made anew"
    return outcome


@row("16c", "half open for 12 s: the link stands, nothing passes", chaos=True,
     steps={"work": [lines_step(60, 0.2)]})
def half_open(rig):
    builds = rig.submit(count=3)
    rig.wait_started(builds)
    victim = next(row[4] for row in rig.seen() if row[1] == builds[0])
    begin = time.monotonic()
    rig.proxies[victim].mood.silent = True
    wait_until(lambda: rig.states().get(victim) != "up", 5, f"{victim} is not up")
    noticed = time.monotonic() - begin
    pause_until(begin, 12)
    rig.proxies[victim].mood.silent = False
    healed = rig.wait_up(victim, seconds=60)
    outcome = check(rig, builds, lines=60)
    outcome.healed, outcome.note = healed, f"noticed after {noticed:.1f} s"
    return outcome


SLOW = 48 * 1024
SUSPECT_SHARE = 0.05  # of the looks: a busy machine takes its time, too
FLOOD = "head -c 2000000 /dev/zero | tr '\\0' x"


@row("45b", "a link of 48 KiB/s that trickles, and a log of 2 MB", hosts=2, chaos=True,
     steps={"flood": [FLOOD], "work": [lines_step(20, 0.1)]})
def slow_link(rig):
    moods(rig, bytes_per_second=SLOW)
    begin = time.monotonic()
    floods, builds = rig.submit("flood", 1), rig.submit(count=2)
    looks = []

    def over():
        looks.append(rig.states())
        return all(rig.build(b)["state"] == "finished" for b in floods + builds)
    wait_until(over, 180, "all is finished over the slow link")
    took = time.monotonic() - begin
    moods(rig, bytes_per_second=0)
    doubted = [s for s in looks if any(state not in ("up", "suspect") for state in s.values())]
    if doubted:
        raise Broken(f"a slow host was taken for a lost one: {doubted[0]}")
    outcome = check(rig, builds, lines=20)
    outcome.lost += rig.farm.log(floods[0], "s1") != b"x" * 2000000
    flood = check(rig, floods, lines=0)
    suspects = sum("suspect" in s.values() for s in looks)
    outcome.twice += flood.twice
    if suspects > len(looks) * SUSPECT_SHARE:
        raise Broken(f"{suspects} of {len(looks)} looks saw a suspect: beats wait behind the log")
    if outcome.hedged + flood.hedged:
        raise Broken("a step was begun a second time, beside a host that was only slow")
    outcome.note = f"took {took:.0f} s; of {len(looks)} looks {suspects} saw a suspect, none lost"
    return outcome
