"""P14: a whole farm of 50 hosts, its faults included, in one thread: simulated seconds in a second.

SPDX-License-Identifier: Apache-2.0
"""

import re
import subprocess

from drive.figures import Figure, Wanted
from drive.programs import BenchError

HOSTS = 50
RATE = re.compile(r"simulated seconds in .* s, (\d+) a second")
SECONDS = 600


def measure(context):
    minutes = context.size(20, 5)

    def rate(*more):
        run = subprocess.run(
            [context.program("drover-sim"), "--seed", "1", "--hosts", str(HOSTS), "--minutes",
             str(minutes), "--quiet", *more],
            capture_output=True, text=True, check=False, timeout=SECONDS)
        found = RATE.search(run.stdout)
        if run.returncode != 0 or not found:
            raise BenchError(f"drover-sim: {(run.stdout + run.stderr).strip()[-300:]}")
        return float(found[1])

    with context.on_its_cores():
        well = [rate("--faults", "none") for _ in range(context.repeats)]
        hurt = [rate() for _ in range(context.repeats)]
    # The limit is real time itself: a second takes a second.
    return [
        Figure("P14", f"simulated seconds in one, {HOSTS} hosts, no faults", "", well,
               "real time", [1.0] * len(well), start=Wanted("ratio", ">=", 1000),
               goal=">= 1000 x"),
        Figure("P14", f"simulated seconds in one, {HOSTS} hosts, faults as the seed says", "", hurt,
               "real time", [1.0] * len(hurt), start=Wanted("ratio", ">=", 1000),
               goal=">= 1000 x"),
    ]
