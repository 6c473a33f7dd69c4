"""A thousand kills over coordinator, hosts, agents and keepers while a campaign runs.

SPDX-License-Identifier: Apache-2.0
"""

import collections
import os
import random
import signal
import time

from history import Outcome, expected_log
from rig import Broken, alive, wait_until
from row import row_list

ROWS, row = row_list()

BUILDS, STEPS, LINES = 50, 10, 100

# The lock is held by every process of the step: whoever finds it taken has met another attempt.
BODY = """
exec 9>> "FOLDER/lock-$DROVER_BUILD_ID"
flock -n 9 || echo "overlap $DROVER_BUILD_ID $DROVER_STEP $DROVER_ATTEMPT $DROVER_HOST 0" >> WITNESS
i=0
while [ $i -lt COUNT ]; do
  i=$((i + 1))
  echo "build $DROVER_BUILD_ID step $DROVER_STEP line $i"
  sleep 0.1
done""".replace("COUNT", str(LINES))

VICTIMS = ("coordinator", "host", "agent", "keeper")


class Killer:
    """Kills at random; a keeper at most once for each step, since a second loss is a verdict."""

    def __init__(self, rig):
        self.rig = rig
        self.counts = collections.Counter()
        self.keepers_of = collections.Counter()  # (build, step): keepers killed
        self.slowest = 0.0

    def keepers(self):
        """[(pid, build, step)] of the keepers that have not lost a sibling yet."""
        found = []
        for pid, _ in self.rig.farm.processes_left():
            try:
                if not os.readlink(f"/proc/{pid}/exe").endswith("/drover-keeper"):
                    continue
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    folder = file.read().split(b"\0")[1].decode()
            except (OSError, IndexError):
                continue
            build, step = os.path.basename(folder.rstrip("/")).split("-")[-3:-1]
            if not self.keepers_of[(build, f"s{int(step) + 1}")]:
                found.append((pid, build, f"s{int(step) + 1}"))
        return found

    def strike(self, what):
        """One kill; returns once its victim is there again. False: there was nobody to kill."""
        rig = self.rig
        if what == "keeper":
            there = self.keepers()
            if not there:
                return False
            pid, build, step = random.choice(there)
            if not self.kill(pid):
                return False
            self.keepers_of[(build, step)] += 1
        elif what == "coordinator":
            begin = time.monotonic()
            rig.kill("coordinator")
            rig.wait_answer(90)
            self.slowest = max(self.slowest, time.monotonic() - begin)
        else:
            name = random.choice(rig.names)
            agent = wait_until(lambda: rig.agent(name), 90, f"an agent of {name}")
            parent = rig.programs[name].pid
            for pid in (agent, parent) if what == "host" else (agent,):
                self.kill(pid)
            wait_until(lambda: rig.agent(name) not in (None, agent), 90, f"a new agent of {name}")
        self.counts[what] += 1
        return True

    @staticmethod
    def kill(pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except (ProcessLookupError, TypeError):
            return False
        return True


def check_steps(rig, records, killer):
    """As history.check, but each step's price is counted one by one."""
    begins, ends = collections.Counter(), collections.Counter()
    for kind, build, step, *_ in rig.seen():
        if kind == "overlap":
            raise Broken(f"two attempts of build {build} step {step} ran at one time")
        (begins if kind == "start" else ends)[(build, step)] += 1
    outcome = Outcome()
    for record in records:
        if record["result"] != "success":
            raise Broken(f"build {record['id']}: {record['result']}: {record['reason']}")
        for step in record["steps"]:
            key = (str(record["id"]), step["name"])
            second = sum(one["hedge"] for one in step["attempts"])
            accepted = step["attempts"][step["accepted"] - 1]
            if accepted["result"] != "success" or ends[key] < 1:
                raise Broken(f"build {key[0]} step {key[1]}: accepted is {accepted}")
            outcome.hedged += second
            outcome.twice += max(0, begins[key] - 1 - killer.keepers_of[key] - second)
            outcome.lost += (rig.farm.log(record["id"], step["name"])
                             != expected_log(record["id"], step["name"], LINES))
    return outcome


def left_on_hosts(rig):
    """What is there that should not be: processes beside agents, workspaces of builds."""
    left = []
    for name in rig.names:
        own = {rig.programs[name].pid, rig.agent(name)}
        left += [pid for pid in rig.machine(name) if pid not in own and alive(pid)]
        for place, folders, _ in os.walk(rig.farm.folder + f"/hosts/{name}"):
            if os.path.basename(place) == "workspaces":
                # What was downloaded is kept for later builds.
                left += [f"{name}: {folder}" for folder in folders if folder != "sources"]
    return left


EXCLUSIVE = [(BODY, ", exclusive: true") if number % 5 == 4 else BODY for number in range(STEPS)]


@row("1k", "a thousand kills while a campaign of 500 steps runs", long=True, hosts=3,
     slots=2, steps={"work": EXCLUSIVE})
def thousand_kills(rig):
    wanted = rig.given.kills
    begin = time.monotonic()
    builds = rig.submit(count=BUILDS)
    killer, told = Killer(rig), 0
    while sum(killer.counts.values()) < wanted:
        killer.strike(random.choice(VICTIMS))
        time.sleep(random.uniform(0.05, 0.6))  # the moment is the fault's chance
        struck = sum(killer.counts.values())
        ended = sum(row[0] == "end" for row in rig.seen())
        if ended >= len(builds) * STEPS:
            builds += rig.submit(count=BUILDS // 5)  # no kill may hit a farm that has nothing to do
        if struck >= told + wanted // 10:
            told = struck
            print(f"    {struck} kills, {ended} steps ended, {time.monotonic() - begin:.0f} s",
                  flush=True)
    over = time.monotonic()
    records = rig.finished(builds, 900)
    rig.wait_up(*rig.names, seconds=120)
    healed = time.monotonic() - over
    outcome = check_steps(rig, records, killer)
    wait_until(lambda: not left_on_hosts(rig), 30, f"nothing is left: {left_on_hosts(rig)}")
    struck = ", ".join(f"{count} {what}s" for what, count in sorted(killer.counts.items()))
    outcome.healed = healed
    outcome.note = (f"killed {struck} in {over - begin:.0f} s; {len(builds) * STEPS} steps; "
                    f"slowest return {killer.slowest:.1f} s")
    return outcome
