"""Compares what the witness saw with what the farm says.

SPDX-License-Identifier: Apache-2.0
"""

import collections
import dataclasses

from rig import Broken, wait_until


@dataclasses.dataclass
class Outcome:
    """What a row has seen; `lost` and `twice` must be 0 for it to pass.

    A second attempt beside a silent host is meant to be, and is counted apart: `hedged`.
    """
    lost: int = 0
    twice: int = 0
    hedged: int = 0
    healed: float = 0.0
    note: str = ""


def excerpt(text, most=110):
    """The end of what a program said, from the beginning of a word."""
    text = text.strip()
    if len(text) <= most:
        return text
    return "... " + text[-most:].split(" ", 1)[-1]


def expected_log(build, step, lines):
    return "".join(f"build {build} step {step} line {i}\n" for i in range(1, lines + 1)).encode()


def check(rig, builds, lines=40, reruns=0, result="success"):
    """Every build ended well; every log is byte-exact; the farm accepted what the witness saw.

    `reruns`: attempts beyond one a step that the fault may cost (a killed keeper, a dead host).
    """
    records = rig.finished(builds)
    bad = [f"build {r['id']}: {r['result']}: {r['reason']}" for r in records
           if r["result"] != result]
    if bad:
        raise Broken("; ".join(bad[:3]))
    outcome = Outcome()
    ends = collections.Counter((row[1], row[2], row[3]) for row in rig.seen() if row[0] == "end")
    begins = collections.Counter((row[1], row[2]) for row in rig.seen() if row[0] == "start")
    for record in records:
        for step in record["steps"]:
            key = (str(record["id"]), step["name"])
            good = [a for a in step["attempts"] if a["result"] == "success"]
            if not any(ends[(*key, a["number"])] for a in good):
                raise Broken(f"build {key[0]} step {key[1]} is accepted: no witness saw its end")
            second = sum(a["hedge"] for a in step["attempts"])
            outcome.hedged += second
            outcome.twice += max(0, begins[key] - 1 - second)
            if lines:
                stored = rig.farm.log(record["id"], step["name"])
                if stored != expected_log(record["id"], step["name"], lines):
                    outcome.lost += 1
    outcome.twice = max(0, outcome.twice - reruns)
    return outcome


def check_no_doubt(rig):
    """The farm took nobody for lost and began nothing a second time."""
    doubts = [e for e in rig.events() if e["kind"] in ("attempt_lost", "attempt_hedged")]
    if doubts:
        raise Broken(f"a host was doubted without a reason: {doubts[0]['text']}")


def watch_trust(rig, builds, seconds):
    """Looks at the hosts until the builds are finished; what was seen, in words.

    A host that gets no processor for a moment may be suspect: it only gets no new work then.
    """
    looks = []

    def over():
        looks.append(rig.states())
        return all(rig.build(b)["state"] == "finished" for b in builds)
    wait_until(over, seconds, "the builds are finished")
    doubted = [s for s in looks if any(state not in ("up", "suspect") for state in s.values())]
    if doubted:
        raise Broken(f"hosts were given up: {doubted[0]}")
    check_no_doubt(rig)
    suspects = sum("suspect" in s.values() for s in looks)
    return f"{len(looks)} looks, {suspects} with a suspect; no host lost, no step hedged"


def check_no_overlap(rig, step):
    """No two attempts of an exclusive step ran at one time."""
    running = {}
    for kind, build, name, attempt, host, when in sorted(rig.seen(), key=lambda row: row[5]):
        if name != step:
            continue
        if kind == "start":
            if running.get(build):
                raise Broken(f"build {build}: attempts {running[build]} and {attempt} overlap")
            running[build] = attempt
        elif running.get(build) == attempt:
            running[build] = None
