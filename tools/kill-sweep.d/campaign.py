"""The small campaign of a sweep, and what must be true of it whoever died meanwhile.

SPDX-License-Identifier: Apache-2.0
"""

import collections
import http.client
import json
import time

from small_farm import ANSWER_SECONDS, WAIT_SECONDS  # noqa: F401 (puts the harness on the path)

from history import check
from rig import WITNESSED, Broken, yaml_text

BUILDERS = ("one", "two", "three")
STEPS = ("s1", "s2")
EXCLUSIVE = "s2"
LINES = 60
ARTIFACT_BYTES = 20_000
CLEAN_SECONDS = 5  # invariant 7: so long after a step's end nothing of it is left

# The pause lets the log leave in more than one piece. An exit after a second or more is synced.
TALK = f"""i=0
while [ $i -lt {LINES} ]; do
  i=$((i + 1))
  echo "build $DROVER_BUILD_ID step $DROVER_STEP line $i"
  [ $i != 30 ] || sleep PAUSE
done
"""
# The kernel says whether a step runs twice at once: it holds a lock until its last process is dead.
LOCK = """exec 9> WITNESS.build.$DROVER_BUILD_ID
flock -n 9 || echo "build $DROVER_BUILD_ID step $DROVER_STEP" >> WITNESS.overlap
"""
SHORT, LONG = TALK.replace("PAUSE", "0.05"), TALK.replace("PAUSE", "1.05")
MAKE = f'yes "build $DROVER_BUILD_ID" | head -c {ARTIFACT_BYTES} > made\n'

# Two builders are bound to the host whose programs die.
CONFIG = """farm: sweep
hosts: {h1: {slots: 2, labels: {side: left}}, h2: {slots: 2, labels: {side: right}}}
builders:
"""
BUILDER = """  NAME:
    requires: "side in ('left', 'SIDE')"
    steps:
      - {name: s1, run: FIRST}
      - {name: s2, run: SECOND, exclusive: true}
    artifacts: [made]
"""


def config(rig):
    """The farm.yaml: each builder talks, then talks and makes a file in an exclusive step."""
    def script(body):
        return yaml_text(WITNESSED.replace("BODY", LOCK + body).replace("WITNESS", rig.witness))
    text = CONFIG
    for builder in BUILDERS:
        text += (BUILDER.replace("NAME", builder)
                 .replace("SIDE", "right" if builder == "three" else "left")
                 .replace("FIRST", script(LONG if builder == "two" else SHORT))
                 .replace("SECOND", script(SHORT + MAKE)))
    return text


def made(build):
    line = f"build {build}\n".encode()
    return (line * (ARTIFACT_BYTES // len(line) + 1))[:ARTIFACT_BYTES]


def submit(farm):
    """The campaign's builds. What was acknowledged is there; what was not may be, and is taken."""
    body = {"orders": [{"builder": builder} for builder in BUILDERS]}
    end = time.monotonic() + ANSWER_SECONDS
    while time.monotonic() < end:
        try:
            status, content = farm.request("POST", "/api/v1/builds", body)
            if status == 201:
                return json.loads(content)["builds"]
            if status < 500:
                raise Broken(f"the submission was refused: {status} {content[:200]!r}")
        except (OSError, http.client.HTTPException):
            pass
        there = existing(farm)
        if there:
            return there
        time.sleep(0.02)
    raise Broken(f"no submission was taken within {ANSWER_SECONDS} s")


def existing(farm):
    """Builds that the farm knows; asked until it answers again."""
    builds = farm.ask("/api/v1/builds?limit=100")["builds"]
    return sorted(one["id"] for one in builds)


def extra_attempts(records):
    """(hedges with what they repeat, further attempts) beyond one a step."""
    hedged = more = 0
    for record in records:
        for step in record["steps"]:
            beside = sum(one["hedge"] or one["role"] == "repeats" for one in step["attempts"])
            hedged += beside
            more += len(step["attempts"]) - beside - 1
    return hedged, more


def verify(farm, builds, reruns_allowed):
    """Raises Broken on what is not as it must be; (hedges, re-runs) if all is well."""
    if existing(farm) != sorted(builds):
        raise Broken(f"acknowledged were builds {builds}, there are {existing(farm)}")
    if len(builds) != len(BUILDERS):
        raise Broken(f"{len(BUILDERS)} builds were ordered at once, {len(builds)} are there")
    records = farm.finished(builds)
    hedged, more = extra_attempts(records)
    if more > reruns_allowed:
        raise Broken(f"{more} attempts too many: " + "; ".join(reasons(records)))
    outcome = check(farm, builds, lines=LINES, reruns=hedged + more)
    if outcome.lost or outcome.twice:
        raise Broken(f"{outcome.lost} logs are not what was printed, {outcome.twice} steps ran "
                     "more often than the farm says")
    check_overlaps(farm, hedged)
    for build in builds:
        if farm.artifacts(build) != {"made": made(build)}:
            raise Broken(f"build {build}: its artifact is not what was made")
    if farm.point.program == "coordinator":
        check_store(farm, builds, records)
    left = farm.wait_clean(CLEAN_SECONDS)
    if left:
        raise Broken("left on the hosts: " + "; ".join(left[:3]))
    return hedged, more


def check_overlaps(farm, hedged):
    """A hedge may run beside a silent attempt, unless the step is exclusive; nothing else may."""
    try:
        with open(farm.witness + ".overlap", encoding="ascii") as file:
            rows = [line.strip() for line in file]
    except FileNotFoundError:
        return
    rows = [row for row in rows if not hedged or row.endswith(EXCLUSIVE)]
    if rows:
        raise Broken("ran twice at the same time: " + "; ".join(rows[:3]))


def check_store(farm, builds, records):
    """What was said of finished builds holds after one more kill, and the store is sound."""
    farm.kill_coordinator()
    after = farm.finished(builds)
    if after != records:
        changed = {key for old, new in zip(records, after) for key in old if old[key] != new[key]}
        raise Broken(f"finished builds have changed after a kill: {', '.join(sorted(changed))}")
    answer = json.loads(farm.post("/api/v1/store/verify"))
    if not answer["ok"]:
        raise Broken(f"the store is damaged: {answer['damaged'][:3]}")


def reasons(records):
    """Of each step with several attempts, what became of them."""
    return [f"build {record['id']} {step['name']}: " + ", ".join(
        f"{one['result'] or one['state']} ({one['reason']})" for one in step["attempts"])
            for record in records for step in record["steps"] if len(step["attempts"]) > 1]


def count_calls(calls):
    """{class: how many}"""
    return collections.Counter(kind for kind, _, _ in calls)
