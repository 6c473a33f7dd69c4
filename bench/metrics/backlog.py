"""P3: a backlog of builds of one step each: how quickly it goes away, against Buildbot.

SPDX-License-Identifier: Apache-2.0
"""

from drive.farms import BenchFarm
from drive.figures import Figure, Wanted, in_turns, seconds_of

from .noop import CONFIG

SLOTS = 4
BUILDBOT_BUILDS = 30  # its rate does not depend on the backlog's length, the run's time does


def measure(context):
    count = context.size(1000, 200)
    with context.on_its_cores(), context.buildbot(["/bin/true"], SLOTS) as peer, \
            BenchFarm(context, "backlog", CONFIG, slots=SLOTS) as farm:

        def mine():
            rate = count / seconds_of(lambda: farm.run_builds("noop", count))
            context.say(f"backlog of {count}: {rate:.0f} builds/s")
            return rate

        measures = [mine]
        if peer is not None:
            measures.append(lambda: BUILDBOT_BUILDS / peer.ask("noop", BUILDBOT_BUILDS))
        rates, *others = in_turns(context.repeats, *measures)
    return [Figure("P3", f"backlog of {count} one-step builds, {SLOTS} slots", "builds/s", rates,
                   f"Buildbot, {BUILDBOT_BUILDS}" if others else "", others[0] if others else [],
                   start=Wanted("ratio", ">=", 50), goal=">= 300 x")]
