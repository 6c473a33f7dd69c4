"""Loss of power: what was not synced is gone, names and renames too (forgetful.cpp).

SPDX-License-Identifier: Apache-2.0
"""

import os
import random
import time
import uuid

from forgetful import Forgetful
from history import check
from rig import Broken, lines_step, wait_until
from row import row_list

ROWS, row = row_list()

WORK = {"work": [lines_step(30, 0.02)] * 2}
LOSSES = 6


def known(rig, builds):
    """What the farm has said of each build, as far as it was final."""
    said = {}
    for build in builds:
        record = rig.build(build)
        if record["state"] == "finished":
            said[build] = (record["result"], [s["accepted"] for s in record["steps"]])
    return said


@row("1p", "the coordinator's machine loses power, six times", steps=WORK)
def coordinator_loses_power(rig):
    state = rig.farm.folder + "/coordinator"
    rig.hold("coordinator")
    disk = Forgetful(rig.folder, state)
    disk.begin()
    try:
        rig.release("coordinator")
        rig.wait_answer()
        rig.wait_up(*rig.names)
        builds, slowest, forgotten = [], 0.0, []
        for _ in range(LOSSES):
            builds += rig.submit(count=3)
            time.sleep(random.uniform(0.1, 1.5))  # the moment is the fault's chance
            before = known(rig, builds)
            rig.hold("coordinator")
            disk.lose_power()
            begin = time.monotonic()
            rig.release("coordinator")
            rig.wait_answer()
            rig.wait_up(*rig.names)
            slowest = max(slowest, time.monotonic() - begin)
            forgotten += [b for b in builds if rig.farm.run("build", b).returncode not in (0, 1)]
            after = known(rig, [b for b in builds if b not in forgotten])
            forgotten += [b for b, said in before.items() if after.get(b) != said]
        if forgotten:
            raise Broken(f"acknowledged, and gone or changed: builds {', '.join(forgotten)}")
        outcome = check(rig, builds, lines=30)
        outcome.healed = slowest
        outcome.note = (f"{disk.losses} losses took {disk.forgotten} files or their ends; "
                        f"{len(builds)} builds, every answer still true")
        return outcome
    finally:
        rig.stop()
        disk.unmount()


@row("13p", "a host's machine loses power, three times: its spool forgets", hosts=2, steps=WORK)
def host_loses_power(rig):
    state = rig.farm.folder + "/hosts/h1"
    rig.hold("h1")
    wait_until(lambda: not rig.machine("h1"), 10, "h1 has ended")
    disk = Forgetful(rig.folder, state)
    disk.begin()
    try:
        rig.release("h1")
        rig.wait_up(*rig.names)
        builds, slowest = [], 0.0
        for _ in range(3):
            builds += rig.submit(count=4)
            rig.wait_started(builds[-2:])
            time.sleep(random.uniform(0.0, 1.0))
            rig.power_off("h1")
            wait_until(lambda: not rig.machine("h1"), 10, "h1 is dead")
            disk.lose_power()
            begin = time.monotonic()
            rig.release("h1")
            rig.wait_up("h1")
            slowest = max(slowest, time.monotonic() - begin)
        outcome = check(rig, builds, lines=30, reruns=12)
        outcome.healed = slowest
        outcome.note = (f"{disk.losses} losses took {disk.forgotten} files or their ends; "
                        f"{len(builds)} builds, what ran there ran again")
        return outcome
    finally:
        rig.stop()
        disk.unmount()


BOOT_ID = "/proc/sys/kernel/random/boot_id"
AS_ANOTHER_BOOT = f'mount --bind "$0" {BOOT_ID} && exec "$@"'
AT_ONCE = 20  # seconds; a lease is 60


@row("13r", "a host's machine boots again while its lease lasts", hosts=2,
     steps={"work": [lines_step(60, 0.1)]})
def host_boots(rig):
    builds = rig.submit("work", 1, "--host", "h1")
    rig.wait_started(builds)
    rig.power_off("h1")
    wait_until(lambda: not rig.machine("h1"), 10, "h1 is dead")
    boot = os.path.join(rig.folder, "boot-id")
    with open(boot, "w", encoding="ascii") as file:
        file.write(f"{uuid.uuid4()}\n")
    rig.programs["h1"].prefix = ["unshare", "-m", "sh", "-c", AS_ANOTHER_BOOT, boot]
    begin = time.monotonic()
    rig.release("h1")
    rig.wait_up("h1")

    def second():
        return [row for row in rig.seen() if row[0] == "start" and row[3] == 2]
    wait_until(second, AT_ONCE, "what the host had runs again at once")
    healed = time.monotonic() - begin
    outcome = check(rig, builds, lines=60, reruns=1)
    outcome.healed, outcome.note = healed, "what it had was void by its new boot, and ran again"
    return outcome
