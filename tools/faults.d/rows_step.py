"""Faults that steps cause: floods, hogs, orphans.

SPDX-License-Identifier: Apache-2.0
"""

import time

from history import Outcome, watch_trust
from rig import Broken, alive, wait_until
from row import row_list

ROWS, row = row_list()


def ended(rig, builder, seconds=120):
    """The finished record of one build, and a green one after it: the host is well."""
    build = rig.submit(builder)[0]
    record = rig.finished([build], seconds)[0]
    after = rig.submit("well")
    begin = time.monotonic()
    if rig.finished(after, 60)[0]["result"] != "success":
        raise Broken("the next build on that host is not green")
    return record, time.monotonic() - begin


def verdict(record, *words):
    said = record["reason"] + " " + " ".join(
        a["reason"] for s in record["steps"] for a in s["attempts"])
    if record["result"] == "success" or not any(word in said for word in words):
        raise Broken(f"{record['result']}, and no word of {' or '.join(words)}: {said[:200]}")
    return said


def limited(body, limits):
    return {"bad": [(body, f", limits: {{{limits}}}, timeout: 60s")], "well": ["true"]}


@row(26, "a fork bomb", quick=True, hosts=1,
     steps=limited("f() { f | f & }; f; sleep 5; exit 1", "pids: 64"))
def fork_bomb(rig):
    record, healed = ended(rig, "bad")
    said = verdict(record, "pids", "processes")
    return Outcome(healed=healed, note=said.strip()[:100])


HOG = "python3 -c 'x = bytearray(1 << 20)\nwhile True: x = x + x'"


@row(27, "a step that eats memory", quick=True, hosts=1, steps=limited(HOG, "memory: 128MiB"))
def memory_hog(rig):
    record, healed = ended(rig, "bad")
    said = verdict(record, "memory")
    return Outcome(healed=healed, note=said.strip()[:100])


@row(28, "a step that fills its disk", quick=True, hosts=1,
     steps=limited("head -c 200M /dev/zero > big; sleep 30", "disk: 32MiB"))
def disk_hog(rig):
    record, healed = ended(rig, "bad")
    said = verdict(record, "disk")
    return Outcome(healed=healed, note=said.strip()[:100])


@row(29, "steps that spin on every core", hosts=2, slots=4, steps={
    "bad": ["end=$(($(date +%s) + 10)); while [ $(date +%s) -lt $end ]; do :; done"],
    "well": ["true"]})
def spin(rig):
    builds = rig.submit("bad", count=4)
    rig.wait_started(builds)
    return Outcome(note=watch_trust(rig, builds, 90))


# The orphans' numbers stand in the log.
ORPHAN = ("for i in 1 2 3; do (setsid sh -c 'echo $$; exec sleep 600 > /dev/null 2>&1' &); done; "
          "sleep 0.5")


def orphans(rig, builder):
    build = rig.submit(builder)[0]
    record = rig.finished([build], 60)[0]
    begin = time.monotonic()
    pids = [int(line) for line in rig.farm.log(build, "s1").split()]
    if len(pids) != 3:
        raise Broken(f"three orphans were to be, there are {len(pids)}")
    try:
        wait_until(lambda: not any(map(alive, pids)), 5, "nothing of the step is left")
    except Exception:
        raise Broken(f"left of the step: {[p for p in pids if alive(p)]}") from None
    return record, time.monotonic() - begin


@row(33, "orphans: double fork, new session, all streams closed", quick=True, hosts=1,
     steps={"bad": [ORPHAN], "well": ["true"]})
def left_behind(rig):
    record, healed = orphans(rig, "bad")
    return Outcome(healed=healed, note=f"3 orphans dead, the build is {record['result']}")


@row(34, "a step that ignores TERM", hosts=1, steps={
    "bad": [("trap '' TERM; while :; do sleep 1; done", ", timeout: 2s")], "well": ["true"]})
def ignores_term(rig):
    record, healed = ended(rig, "bad")
    if record["result"] != "timeout":
        raise Broken(f"{record['result']}: {record['reason']}")
    return Outcome(healed=healed, note=record["reason"][:100])


@row(36, "a grandchild keeps the output open", quick=True, hosts=1,
     steps={"bad": ["sleep 600 & echo done"], "well": ["true"]})
def output_open(rig):
    begin = time.monotonic()
    record = rig.finished(rig.submit("bad"), 60)[0]
    took = time.monotonic() - begin
    if took > 20:
        raise Broken(f"the step ended only after {took:.0f} s")
    if record["result"] != "success":
        raise Broken(record["reason"])
    return Outcome(healed=took, note="ended with its command, not with its output")
