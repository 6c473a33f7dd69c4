"""Programs of two versions in one farm.

SPDX-License-Identifier: Apache-2.0
"""

import os
import shutil
import signal

from history import check
from rig import Broken, Skip, lines_step, wait_until
from row import row_list

ROWS, row = row_list()

# Each is replaced while builds run. In between every mixture occurs: hosts that are older than
# their coordinator, and one that is older than its hosts.
MOVES = (("h1", "earlier"), ("coordinator", "earlier"), ("h2", "earlier"), ("h3", "earlier"),
         ("coordinator", "present"), ("h1", "present"), ("h2", "present"), ("h3", "present"))


def earlier_programs(rig):
    """A folder with the programs of the version before: those of --earlier, else those that are
    built beside the present ones."""
    origin = rig.given.earlier or os.path.join(rig.bin, "earlier")
    if not os.path.isdir(origin):
        raise Skip(f"no programs of an earlier version in {origin}: build them "
                   "(tools/earlier-version COMMIT), or the preset's targets *-earlier")
    made = os.path.join(rig.folder, "earlier-programs")
    os.mkdir(made)
    for name in ("drover-coordinator", "drover-host", "drover-keeper"):
        path = os.path.join(origin, name)
        shutil.copy2(path if os.path.exists(path) else os.path.join(rig.bin, name), made)
    return made


def replace(rig, name, folder):
    """Stops the program as its service would, and has that of the folder started instead."""
    program = rig.programs[name]
    program.words[0] = os.path.join(folder, os.path.basename(program.words[0]))
    starts = program.starts
    rig.kill(name, signal.SIGTERM)
    wait_until(lambda: program.starts > starts, 60, f"{name} is started again")
    healed = rig.wait_answer()
    return healed + rig.wait_up(*rig.names)


@row(40, "programs put back a version and up again, one by one",
     steps={"work": [lines_step(60, 0.05)] * 2})
def upgraded(rig):
    folders = {"earlier": earlier_programs(rig), "present": rig.bin}
    builds, slowest, spoken = [], 0.0, set()
    for name, version in MOVES:
        builds += rig.submit(count=2)
        rig.wait_started(builds[-2:])
        slowest = max(slowest, replace(rig, name, folders[version]))
        spoken |= {rig.host(host)["facts"].get("protocol") for host in rig.names}
    outcome = check(rig, builds, lines=60)
    if len(spoken) < 2:
        raise Broken(f"all of it spoke one protocol, {spoken}: that proves nothing")
    outcome.healed = slowest
    outcome.note = f"{len(MOVES)} programs replaced; spoken: {', '.join(sorted(spoken))}"
    return outcome
