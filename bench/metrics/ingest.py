"""P6: a log taken in, stored, and readable: against a plain pipe and against Buildbot.

SPDX-License-Identifier: Apache-2.0
"""

from drive.farms import BenchFarm
from drive.figures import Figure, in_turns, seconds_of
from drive.programs import BenchError

from .log import MB, cat_to_file, config_for, wait_until_sealed

BUILDBOT_SIZE = 10 * MB  # as much as it takes in three seconds or so


def measure(context):
    size = context.size(100, 20) * MB
    with context.on_its_cores(), context.buildbot(context.producer(BUILDBOT_SIZE)) as peer, \
            BenchFarm(context, "ingest", config_for(context, size, MB)) as farm:

        def through_farm():
            took = seconds_of(lambda: farm.run_builds("log"))
            newest = farm.api.ask("GET", "/api/v1/builds?limit=1")["builds"][0]["id"]
            stored = farm.wait_for(newest)["steps"][0]["attempts"][0]["log_bytes"]
            if stored != size:
                raise BenchError(f"{stored} of {size} bytes of a log were stored")
            wait_until_sealed(farm)
            return size / took / MB

        measures = [through_farm, lambda: cat_to_file(context, size)]
        if peer is not None:
            measures.append(lambda: BUILDBOT_SIZE / peer.ask("log", 1) / MB)
        mine, pipes, *others = in_turns(context.repeats, *measures)
    figures = [Figure("P6", f"log ingestion, {size // MB} MB in a build", "MB/s", mine,
                      "cat > file", pipes, goal=">= 0.5")]
    if others:
        figures.append(Figure("P6", "log ingestion against Buildbot's", "MB/s", mine,
                              "Buildbot, 10 MB", others[0]))
    return figures
