"""Control groups that hosts of a farm have made: finding them, and removing them after a kill -9.

SPDX-License-Identifier: Apache-2.0
"""

import glob
import os
import re
import sys
import time

GROUPS = "/sys/fs/cgroup"
MACHINE_MARK = 12  # characters of a host's id in the names of its control groups
EMPTY_SECONDS = 5


def groups_of(host_folder):
    """Folders of the groups of attempts and of the host itself, innermost first."""
    try:
        with open(os.path.join(host_folder, "machine-id"), encoding="ascii") as file:
            machine = re.search("[0-9a-f]{32}", file.read())
    except FileNotFoundError:
        machine = None
    if machine is None:
        return []  # it never came so far
    with open("/proc/self/cgroup", encoding="utf-8") as file:
        rows = [line.rstrip("\n").split(":", 2) for line in file]
    places = {f"{GROUPS}/{part}{path}" for _, kinds, path in rows
              for part in (kinds, "unified", "")}
    mark = f"drover-{machine[0][:MACHINE_MARK]}-*"
    own = [one for place in sorted(places) for one in glob.glob(os.path.join(place, mark))]
    return [one.rstrip("/") for group in own for one in glob.glob(group + "/*/")] + own


def remove_groups(host_folder):
    """For a host whose processes have been killed; says what it can't remove."""
    end = time.monotonic() + EMPTY_SECONDS
    for group in groups_of(host_folder):
        while True:
            try:
                os.rmdir(group)
                break
            except OSError as problem:  # the kernel is not through with who was in it
                if time.monotonic() > end:
                    print(f"{group}: {problem}", file=sys.stderr)
                    break
            time.sleep(0.02)
