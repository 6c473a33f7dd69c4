"""Hosts that are brought back by the farm's own commands, and hosts that are there on demand.

SPDX-License-Identifier: Apache-2.0
"""

import os
import signal
import time

from history import check
from rig import Broken, lines_step, send_all, wait_until
from row import row_list

ROWS, row = row_list()

WORK = {"work": [lines_step(40, 0.05)] * 2}

# A machine that hangs answers no ssh; switched off and on, it begins anew.
LADDER = """  proof: {canary: true, steps: [{name: say, run: "true"}]}
hosts:
  h1:
    restart:
      agent: 'echo agent >> FOLDER/climbed; echo "ssh: no answer of $DROVER_HOST"; exit 255'
      reboot: 'echo reboot >> FOLDER/climbed; kill -9 $(ip netns pids NAMESPACES$DROVER_HOST)'
      power: 'echo power >> FOLDER/climbed'
"""


def climbed(rig):
    try:
        with open(rig.folder + "/climbed", encoding="ascii") as file:
            return file.read().split()
    except FileNotFoundError:
        return []


@row("13b", "a host hangs: agent command, reboot, canary, trust", hosts=2, namespaces=True,
     steps=WORK, more_config=LADDER)
def ladder(rig):
    builds = rig.submit(count=4)
    rig.wait_started(builds[:2])
    send_all(rig.machine("h1"), signal.SIGSTOP)
    begin = time.monotonic()
    wait_until(lambda: "reboot" in climbed(rig), 240, "the ladder is climbed up to the reboot")
    rebooted = time.monotonic() - begin
    if climbed(rig) != ["agent", "agent", "reboot"]:
        raise Broken(f"commands in this order: {climbed(rig)}")
    rig.wait_up("h1", seconds=90)
    healed = time.monotonic() - begin - rebooted
    probes = [b for b in rig.farm.ask("builds", "--limit", "50")["builds"]
              if b["builder"] == "proof"]
    if not probes or probes[0]["host"] != "h1" or probes[0]["result"] != "success":
        raise Broken(f"it was trusted without a canary: {probes}")
    told = [e["text"] for e in reversed(rig.events("ladder_climbed"))]
    told = sorted(told, key=lambda text: "reboot" in text)
    if len(told) != 3 or "exit code 255: ssh: no answer of h1" not in told[0]:
        raise Broken(f"the journal says: {told}")
    why = rig.farm.text("why", "h1", codes=(0, 1))
    if "reboot" not in why:
        raise Broken(f"drover why h1 does not tell of it: {why}")
    outcome = check(rig, builds, reruns=4)
    outcome.healed = healed
    outcome.note = f"agent, agent, reboot in {rebooted:.0f} s, its reason: {told[2][:90]}"
    return outcome


ON_DEMAND = """  big:
    requires: "class == 'big'"
    steps: [{name: say, run: "echo here"}]
hosts:
  h2: {labels: {class: big}, start: "touch FOLDER/on", stop: "touch FOLDER/off", idle: 5s}
"""


@row("13c", "a host on demand: started for work, stopped when idle", hosts=2, steps=WORK,
     more_config=ON_DEMAND)
def on_demand(rig):
    there = {word: f"{rig.folder}/{word}" for word in ("on", "off")}
    # It is here and nobody wants it.
    wait_until(lambda: os.path.exists(there["off"]), 60, "its stop command is run")
    rig.power_off("h2")
    wait_until(lambda: rig.states()["h2"] == "lost", 90, "h2 is lost: it is off")
    builds = rig.submit(count=2)  # what others can do starts nobody
    check(rig, builds)
    if os.path.exists(there["on"]):
        raise Broken("it was started for work that another host could do")
    os.remove(there["off"])
    wanted = rig.submit("big")[0]
    begin = time.monotonic()
    wait_until(lambda: os.path.exists(there["on"]), 30, "its start command is run")
    rig.release("h2")
    record = rig.finished([wanted], 60)[0]
    healed = time.monotonic() - begin
    if (record["result"], record["host"]) != ("success", "h2"):
        raise Broken(f"{record['result']} on {record['host']}: {record['reason']}")
    wait_until(lambda: os.path.exists(there["off"]), 60, "it is stopped again")
    outcome = check(rig, builds)
    outcome.healed, outcome.note = healed, "started once for what only it can do, stopped when idle"
    return outcome
