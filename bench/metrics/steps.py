"""P1: durable steps a second: /bin/true with its log piped, each result stored and synced.

SPDX-License-Identifier: Apache-2.0
"""

from drive.farms import BenchFarm, processor_seconds
from drive.figures import Figure, Wanted, in_turns, seconds_of
from drive.programs import LoadProgram

SLOTS = 8
STEPS = 50

CONFIG = """
farm: bench
builders:
  steps:
    steps:
""" + "".join(f"      - {{name: s{number}, run: /bin/true}}\n" for number in range(STEPS))

PEER = "posix_spawn, setsid, pipe, wait"


def measure(context):
    builds = context.size(16, 8)
    with context.on_its_cores(), BenchFarm(context, "steps", CONFIG, slots=SLOTS) as farm, \
            LoadProgram(context.program("bench_floor"), context.work) as floor:
        count = STEPS * builds
        coordinator = farm.pid("coordinator")
        costs = []

        def many():
            before = processor_seconds(coordinator)
            rate = count / seconds_of(lambda: farm.run_builds("steps", builds))
            costs.append(processor_seconds(coordinator) - before)
            context.say(f"{count} steps: {rate:.0f}/s, coordinator "
                        f"{costs[-1] / count * 1e6:.0f} us of processor a step")
            return rate

        def raw():
            return count / (sum(floor.ask("spawn", count)["us"]) / 1e6)

        def one_by_one():
            return STEPS / seconds_of(lambda: farm.run_builds("steps"))

        mine, theirs, alone = in_turns(context.repeats, many, raw, one_by_one)
    return [
        Figure("P1", f"durable steps, {SLOTS} builds at once", "steps/s", mine, PEER, theirs,
               start=Wanted("ratio", ">=", 0.3), goal=">= 0.8"),
        Figure("P1", "durable steps of one build, one after the other", "steps/s", alone, PEER,
               theirs),
    ]
