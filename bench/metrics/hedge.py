"""P4: a host is lost under its work; how soon that work runs elsewhere.

SPDX-License-Identifier: Apache-2.0
"""

import signal
import time

from drive.figures import Figure, Wanted, percentile
from drive.programs import BenchError
from drive.rigs import HurtFarm, send

from rig import FarmError, wait_until

HOSTS = 3
SECONDS_MAX = 30  # after which work that began nowhere else is a failure
BEGIN_SECONDS = 60
OVER_SECONDS = 120


def starts_of(farm, build):
    """[(host, when)] of the build's step, as the step itself told."""
    return [(row[4], row[5]) for row in farm.seen() if row[0] == "start" and row[1] == str(build)]


def loss(farm, lose):
    """Seconds from the loss of a build's host to the moment when its step runs on another one."""
    build = farm.submit_all(["work"])[0]
    victim = wait_until(lambda: starts_of(farm, build), BEGIN_SECONDS, "the build runs")[0][0]
    begin = time.time()
    heal = lose(farm, victim)
    try:
        again = wait_until(lambda: [when for host, when in starts_of(farm, build)
                                    if host != victim], SECONDS_MAX, "it runs elsewhere")
    except FarmError as why:
        raise BenchError(str(why)) from None
    finally:
        heal()
    farm.ask("POST", f"/api/v1/builds/{build}/cancel?reason=measured")
    farm.wait_over(build, OVER_SECONDS)
    farm.wait_up(*farm.names)
    return again[0] - begin


def killed(farm, victim):
    farm.power_off(victim)
    return lambda: farm.release(victim)


def frozen(farm, victim):
    pids = farm.freeze(victim)
    return lambda: [send(pid, signal.SIGCONT) for pid in pids]


def measure(context):
    count = context.size(25, 5)
    figures = []
    with context.on_its_cores(), HurtFarm(context, "hedge", steps={"work": ["sleep 600"]},
                                          hosts=HOSTS, slots=1) as farm:
        for lose, how in ((killed, "all its processes killed"), (frozen, "frozen, so silent")):
            took = [loss(farm, lose) for _ in range(count)]
            context.say(f"{how}: " + " ".join(f"{one:.2f}" for one in sorted(took)))
            what = f"host lost ({how}), its work runs elsewhere"
            note = f"{count} losses; hosts are given up for a second attempt after 2 s of silence"
            figures += [
                Figure("P4", f"{what}, p50", "s", [percentile(took, 0.5)], less=True, note=note),
                Figure("P4", f"{what}, p99", "s", [percentile(took, 0.99)], less=True,
                       start=Wanted("value", "<", 2.5),
                       goal="< 50 ms" if lose is killed else "< 2 s"),
            ]
    return figures
