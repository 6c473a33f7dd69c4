"""P10: the coordinator is killed again and again; attempts run for each attempt that was needed.

SPDX-License-Identifier: Apache-2.0
"""

import collections
import random
import time

from drive.figures import Figure, Wanted
from drive.programs import BenchError
from drive.rigs import HurtFarm

from history import expected_log
from rig import lines_step

SEED = 20261123
STEPS = 3
LINES = 40
BACKLOG = 12        # builds that are to be unfinished while kills go on
QUIET_SECONDS = 0.5  # at most so long from an answer to the next kill
OVER_SECONDS = 300


def kill_often(context, farm, count):
    """The builds that ran meanwhile. Each kill hits a coordinator that has answered."""
    chance = random.Random(SEED)
    builds, over = [], 0
    for number in range(count):
        farm.ask("GET", "/api/v1/readyz")
        while over < len(builds) and farm.record(builds[over])["state"] == "finished":
            over += 1
        if len(builds) - over < BACKLOG:
            builds += farm.submit_all(["work"] * BACKLOG)
        time.sleep(chance.uniform(0, QUIET_SECONDS))
        farm.kill("coordinator")
        if (number + 1) % 50 == 0:
            context.say(f"{number + 1} kills, {over} of {len(builds)} builds are over")
    return builds


def account(farm, builds):
    """(attempts run, attempts needed, hedges), by the witness; raises if anything is not right."""
    hedges = set()
    for build in builds:
        record = farm.wait_over(build, OVER_SECONDS)
        if record["result"] != "success":
            raise BenchError(f"build {build}: {record['result']}: {record['reason']}")
        for step in record["steps"]:
            hedges |= {(str(build), step["name"], one["number"]) for one in step["attempts"]
                       if one["hedge"] or one["role"] == "repeats"}
            if farm.farm.log(build, step["name"]) != expected_log(build, step["name"], LINES):
                raise BenchError(f"build {build} {step['name']}: its log is not what was printed")
    runs = collections.Counter(row[1:4] for row in farm.seen() if row[0] == "start")
    ran = sum(number for key, number in runs.items() if key not in hedges)
    return ran, len(builds) * STEPS, sum(runs.values()) - ran


def measure(context):
    count = context.size(300, 30)
    with context.on_its_cores(), HurtFarm(
            context, "kills", steps={"work": [lines_step(LINES, 0.02)] * STEPS}) as farm:
        builds = kill_often(context, farm, count)
        ran, needed, hedges = account(farm, builds)
    context.say(f"{count} kills, {len(builds)} builds: {ran} attempts run, {needed} needed, "
                f"{hedges} hedges")
    return [Figure("P10", f"attempts run for one needed, {count} kills of the coordinator", "",
                   [ran / needed], less=True, start=Wanted("value", "<=", 1), goal="1",
                   note=f"{ran} attempts, {needed} needed, and {hedges} second attempts beside "
                        "hosts that came back late; every log as printed")]
