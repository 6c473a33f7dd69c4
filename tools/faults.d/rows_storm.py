"""Faults that come of many hosts at once.

SPDX-License-Identifier: Apache-2.0
"""

import json
import os
import subprocess
import time

from history import Outcome
from rig import TOP, Broken, Skip
from row import row_list

ROWS, row = row_list()

# 10,000 hosts in 10 s on a machine of its own; here as many as two cores can play and serve: each
# handshake is paid for twice, and everything else of this machine goes on beside.
STORM_HOSTS = 1000
STORM_SECONDS = 60
BUILD_SECONDS = 2  # of a build that does nothing, meanwhile: those who wait for one hardly notice
PROCESSES = 2


def herd_program(rig):
    for place in (rig.bin, os.path.join(TOP, "build", "release", "bin")):
        path = os.path.join(place, "bench_light_hosts")
        if os.access(path, os.X_OK):
            return path
    raise Skip("bench_light_hosts is not built: ninja -C build/dev bench_light_hosts")


def build_once(rig):
    """Seconds from the order to the end of a build that does nothing."""
    begin = time.monotonic()
    done = rig.farm.run("submit", "nothing", "--wait")
    if done.returncode != 0:
        raise Broken(f"a build failed meanwhile: {done.stderr.decode().strip()[-200:]}")
    return time.monotonic() - begin


@row(19, f"{STORM_HOSTS} hosts connect in one moment", hosts=2, steps={"nothing": ["true"]})
def storm(rig):
    program, each = herd_program(rig), STORM_HOSTS // PROCESSES
    keys = rig.farm.folder + "/coordinator/keys"
    herds = [subprocess.Popen([program, f"127.0.0.1:{rig.port}", keys, f"s{number}-", str(each),
                               str(each)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
             for number in range(PROCESSES)]
    try:
        for herd in herds:
            herd.stdout.readline()  # its keys are made
        calm = [build_once(rig) for _ in range(5)]
        for herd in herds:
            herd.stdin.write("join\n")
            herd.stdin.flush()
        begin, busy = time.monotonic(), []
        while len(rig.states()) < STORM_HOSTS and time.monotonic() - begin < STORM_SECONDS:
            busy.append(build_once(rig))
        answers = [json.loads(herd.stdout.readline()) for herd in herds]
        joined = sum(answer["joined"] for answer in answers)
        seconds = max(answer["seconds"] for answer in answers)
        if joined < STORM_HOSTS or seconds > STORM_SECONDS:
            raise Broken(f"{joined} of {STORM_HOSTS} hosts were in after {seconds:.1f} s")
        if any(state != "up" for name, state in rig.states().items() if name in rig.names):
            raise Broken("hosts that were there before have been doubted")
        busy.append(build_once(rig))
        if max(busy) > BUILD_SECONDS:
            raise Broken(f"a build took {max(busy):.1f} s meanwhile")
        return Outcome(healed=seconds, note=f"{joined / seconds:.0f} joins/s; {len(busy)} builds "
                                            f"meanwhile, the slowest {max(busy):.2f} s; "
                                            f"{max(calm):.2f} s before")
    finally:
        for herd in herds:
            herd.kill()
            herd.wait()
            herd.stdin.close()
            herd.stdout.close()
