"""A step's log of 1 GB: through pipe, spool, link and recorder into the store.

SPDX-License-Identifier: Apache-2.0
"""

import os
import shlex
import subprocess
import time

from drive.farms import BenchFarm, MemoryWatch, resident
from drive.figures import Figure, Wanted, in_turns, seconds_of

MB = 1_000_000

CONFIG = """
farm: bench
builders:
  warm:
    steps:
      - {{name: print, run: "{warm}"}}
  log:
    steps:
      - {{name: print, run: "{log}"}}
"""


def config_for(context, size, warm_size):
    return CONFIG.format(log=shlex.join(context.producer(size)),
                         warm=shlex.join(context.producer(warm_size)))


def cat_to_file(context, size):
    """`producer | cat > file`, as a shell does it: what stands beside each log."""
    path = os.path.join(context.work, "cat.out")
    command = f"{shlex.join(context.producer(size))} | cat > {shlex.quote(path)}"
    took = seconds_of(lambda: subprocess.run(["/bin/sh", "-c", command], check=True))
    os.unlink(path)
    return size / took / MB


def wait_until_sealed(farm):
    """Logs are compressed when there is time: it is not what is measured next that pays for it."""
    while True:
        actors = farm.api.ask("GET", "/api/v1/actors")["actors"]
        if any(one["name"] == "log_sink" and one["activity"].endswith(" 0 bytes wait to be sealed")
               for one in actors):
            return
        time.sleep(0.05)


def measure(context):
    size = context.size(1000, 200) * MB
    growths, sealed = [], []
    with context.on_its_cores(), \
            BenchFarm(context, "log", config_for(context, size, size // 8), slots=1) as farm:
        coordinator = farm.pid("coordinator")
        farm.run_builds("warm")  # caches and buffers of the store are full then
        wait_until_sealed(farm)

        def through_farm():
            before = resident(coordinator)
            with MemoryWatch(coordinator) as memory:
                took = seconds_of(lambda: farm.run_builds("log"))
                sealed.append(size / (took + seconds_of(lambda: wait_until_sealed(farm))) / MB)
            growths.append((memory.peak - before) / MB)
            context.say(f"log of {size // MB} MB: {size / took / MB:.0f} MB/s, coordinator grew by "
                        f"{growths[-1]:.1f} MB to {memory.peak / MB:.0f} MB")
            return size / took / MB

        mine, theirs = in_turns(context.repeats, through_farm, lambda: cat_to_file(context, size))
    return [
        Figure("log", f"log of {size // MB} MB into the store", "MB/s", mine, "cat > file", theirs,
               start=Wanted("ratio", ">=", 0.25), goal=">= 0.5"),
        Figure("log", f"log of {size // MB} MB into the store and compressed", "MB/s", sealed),
        Figure("log", f"coordinator's memory: growth in {size // MB} MB of log", "MB", growths[1:],
               start=Wanted("value", "<=", 32), less=True, goal="flat"),
    ]
