"""P2: a build that does nothing, on an idle farm: submitted, run, finished and durable.

SPDX-License-Identifier: Apache-2.0
"""

import statistics

from drive.farms import BenchFarm
from drive.figures import Figure, Wanted, in_turns, percentile, seconds_of
from drive.programs import LoadProgram

CONFIG = """
farm: bench
builders:
  noop:
    steps:
      - {name: one, run: /bin/true}
"""

PEER = "spawn, 2 fdatasync, 4 TCP round trips"


def measure(context):
    count = context.size(50, 20)
    with context.on_its_cores(), BenchFarm(context, "noop", CONFIG) as farm, \
            LoadProgram(context.program("bench_floor"), context.work) as floor:

        def builds():
            return [seconds_of(lambda: farm.run_builds("noop")) * 1e3 for _ in range(count)]

        def limit():
            return [us / 1e3 for us in floor.ask("floor", count)["us"]]

        mine, theirs = in_turns(context.repeats, builds, limit)
    return [
        Figure("P2", "no-op build, submit to durable end, p50", "ms",
               [statistics.median(one) for one in mine], PEER,
               [statistics.median(one) for one in theirs], start=Wanted("value", "<", 10),
               less=True, goal="< 3 ms, <= 4 x"),
        Figure("P2", "no-op build, submit to durable end, p99", "ms",
               [percentile(one, 0.99) for one in mine], PEER,
               [percentile(one, 0.99) for one in theirs], less=True, goal="< 10 ms"),
    ]
