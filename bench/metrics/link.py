"""The link's round trip: a beat and its answer between two edges over TLS, through the actors.

SPDX-License-Identifier: Apache-2.0
"""

import statistics

from drive.figures import Figure, in_turns, percentile
from drive.programs import LoadProgram


def measure(context):
    count = context.size(2000, 500)
    with context.on_its_cores(), \
            LoadProgram(context.program("bench_link")) as link, \
            LoadProgram(context.program("bench_floor"), context.work) as floor:
        size = link.ask("measure", 100)["bytes"]
        mine, theirs = in_turns(context.repeats,
                                lambda: link.ask("measure", count)["us"],
                                lambda: floor.ask("pingpong", count, size)["us"])
    peer = f"TCP loopback, {size} bytes each way"
    return [
        Figure("link", "beat to answer, median", "us",
               [statistics.median(one) for one in mine], peer,
               [statistics.median(one) for one in theirs], less=True),
        Figure("link", "beat to answer, p99", "us", [percentile(one, 0.99) for one in mine], peer,
               [percentile(one, 0.99) for one in theirs], less=True),
    ]
