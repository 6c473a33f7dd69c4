"""Faults of hosts: agents, machines, disks, identities.

SPDX-License-Identifier: Apache-2.0
"""

import glob
import os
import random
import shutil
import signal
import subprocess
import time

from history import Outcome, check, check_no_overlap, excerpt
from rig import Broken, Skip, lines_step, run, send_all, wait_until
from row import row_list

ROWS, row = row_list()

@row(12, "agent killed -9, again and again, under its steps", quick=True)
def agent_killed(rig):
    builds = rig.submit(count=6)
    rig.wait_started(builds[:3])
    for _ in range(20):
        name = random.choice(rig.names)
        agent = wait_until(lambda name=name: rig.agent(name), 30, f"an agent of {name}")
        os.kill(agent, signal.SIGKILL)
        wait_until(lambda: rig.agent(name) not in (None, agent), 30, f"a new agent of {name}")
    healed = rig.wait_up(*rig.names)
    outcome = check(rig, builds)
    outcome.healed, outcome.note = healed, "20 kills, each step the same process to its end"
    return outcome


@row("12b", "host's parent and agent killed -9 together", quick=True)
def both_killed(rig):
    builds = rig.submit(count=4)
    rig.wait_started(builds[:3])
    for name in rig.names:
        parent = rig.programs[name].pid
        agent = rig.agent(name)
        for pid in filter(None, (parent, agent)):
            os.kill(pid, signal.SIGKILL)
    begin = time.monotonic()
    wait_until(lambda: all(rig.host(name)["restarts"] > 0 for name in rig.names), 60,
               "each has joined anew")
    rig.wait_up(*rig.names)
    healed = time.monotonic() - begin
    outcome = check(rig, builds)
    outcome.healed = healed
    return outcome


@row(13, "a host dies whole: agent, keepers and steps", quick=True)
def host_dies(rig):
    builds = rig.submit(count=3)
    rig.wait_started(builds)
    before = {row[1]: row[4] for row in rig.seen() if row[0] == "start"}
    victim = before[builds[0]]
    stricken = [b for b in builds if before[b] == victim]
    begin = time.monotonic()
    rig.power_off(victim)

    def elsewhere():
        return {r[1] for r in rig.seen() if r[0] == "start" and r[4] != victim} >= set(stricken)
    wait_until(elsewhere, 90, "its builds run elsewhere")
    healed = time.monotonic() - begin
    # What the dead machine had done of those builds runs again elsewhere; nothing else does.
    outcome = check(rig, builds, reruns=3)
    outcome.healed = healed
    outcome.note = f"{len(stricken)} builds went on elsewhere {healed:.1f} s after its death"
    return outcome


@row(14, "a host frozen for 10 s, then thawed", quick=True)
def host_frozen(rig):
    builds = rig.submit(count=3)
    rig.wait_started(builds)
    victim = next(row[4] for row in rig.seen() if row[1] == builds[0])
    frozen = rig.machine(victim)
    send_all(frozen, signal.SIGSTOP)
    begin = time.monotonic()
    wait_until(lambda: rig.states()[victim] in ("suspect", "lost"), 5, f"{victim} is suspected")
    suspected = time.monotonic() - begin
    wait_until(lambda: time.monotonic() - begin > 10, 15, "10 s have passed")
    send_all(frozen, signal.SIGCONT)
    healed = rig.wait_up(victim)
    outcome = check(rig, builds)
    outcome.healed, outcome.note = healed, f"suspected after {suspected:.1f} s"
    return outcome


@row(25, "an agent that dies at each start", quick=True, hosts=2)
def crash_loop(rig):
    builds = rig.submit(count=2)
    begin = time.monotonic()
    deaths, seen = 0, set()
    while time.monotonic() - begin < 8:
        agent = rig.agent("h1")
        if agent and agent not in seen:
            seen.add(agent)
            os.kill(agent, signal.SIGKILL)
            deaths += 1
        time.sleep(0.01)
    if deaths > 40:
        raise Broken(f"{deaths} starts in 8 s: that is a tight loop")
    healed = rig.wait_up("h1", seconds=90)
    outcome = check(rig, builds)
    outcome.healed, outcome.note = healed, f"{deaths} starts in 8 s, each later than the last"
    return outcome


@row(38, "a host re-imaged: same name, empty state", hosts=2)
def re_imaged(rig):
    builds = rig.submit(count=2)
    rig.wait_started(builds)
    victim = next(row[4] for row in rig.seen() if row[1] == builds[0])
    stricken = sum(1 for b in builds if any(r[1] == b and r[4] == victim for r in rig.seen()))
    rig.power_off(victim)
    state = rig.farm.folder + f"/hosts/{victim}"
    keys = os.path.relpath(rig.find_keys(victim), state)
    for name in os.listdir(state):
        if not keys.startswith(name):
            path = os.path.join(state, name)
            shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
    begin = time.monotonic()
    rig.release(victim)
    rig.wait_up(victim)
    outcome = check(rig, builds, reruns=3 * stricken)
    outcome.healed = time.monotonic() - begin
    outcome.note = "what it had is known as lost at once, and runs again"
    return outcome


def start_clone(rig, folder):
    """A second h1 in `folder`, with the first one's keys: (process, path of its log)."""
    words = list(rig.programs["h1"].words)
    words[words.index("--dir") + 1] = folder
    path = rig.farm.folder + "/logs/clone.log"
    with open(path, "ab") as log:
        return subprocess.Popen(words, stdout=log, stderr=log, start_new_session=True), path


@row(39, "two hosts with one name and one key", quick=True, hosts=2)
def clone(rig):
    builds = rig.submit(count=4)
    rig.wait_started(builds[:2])
    there = rig.farm.folder + "/hosts/"
    shutil.copytree(there + "h1", there + "h1-clone", symlinks=True,
                    ignore=shutil.ignore_patterns("*.sock"))
    second, log_path = start_clone(rig, there + "h1-clone")
    try:
        outcome = check(rig, builds)
    finally:
        second.kill()
        second.wait()
    with open(log_path, encoding="utf-8", errors="replace") as log:
        refused = [line for line in log if "refused" in line or "is a copy of" in line]
    if not refused:
        raise Broken("nobody said that there are two")
    outcome.note = "the second is refused: " + excerpt(refused[0], 90)
    return outcome


@row("39b", "the same with a folder whose claim was removed", quick=True, hosts=2)
def bold_clone(rig):
    there = rig.farm.folder + "/hosts/"
    shutil.copytree(there + "h1", there + "h1-clone", symlinks=True)
    for name in ("here", "spool"):  # as somebody who set the machine up from an image
        path = os.path.join(there, "h1-clone", name)
        shutil.rmtree(path) if os.path.isdir(path) else os.path.exists(path) and os.remove(path)
    builds = rig.submit(count=4)
    rig.wait_started(builds[:2])
    second, log_path = start_clone(rig, there + "h1-clone")
    try:
        outcome = check(rig, builds)
    finally:
        os.killpg(second.pid, signal.SIGKILL)
        second.wait()
    with open(log_path, encoding="utf-8", errors="replace") as log:
        refused = [line for line in log if "refused" in line]
    if not refused:
        raise Broken("nobody said that there are two")
    outcome.note = "the second is refused: " + excerpt(refused[0], 90)
    return outcome


@row(37, "a host's disk runs full and is emptied again", hosts=2)
def host_disk_full(rig):
    state = rig.farm.folder + "/hosts/h1"
    rig.hold("h1")
    moved = rig.folder + "/h1-before"
    shutil.move(state, moved)
    os.mkdir(state)
    run("mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", state)
    try:
        for name in os.listdir(moved):
            shutil.move(os.path.join(moved, name), state)
        wait_until(lambda: rig.states()["h1"] != "up", 10, "it is noticed that h1 is away")
        rig.release("h1")
        rig.wait_up("h1")
        filler = state + "/filler"
        with open(filler, "wb") as file:
            try:
                while True:
                    file.write(b"\0" * 65536)
            except OSError:
                pass
        builds = rig.submit(count=4)
        records = rig.finished(builds, 120)
        bad = [r["reason"] for r in records if r["result"] != "success"]
        os.remove(filler)
        begin = time.monotonic()

        def works():
            again = rig.submit(count=2)
            return all(r["result"] == "success" for r in rig.finished(again, 60))
        wait_until(works, 120, "h1 works again")
        outcome = Outcome(healed=time.monotonic() - begin)
        outcome.note = (f"{len(bad)} builds red meanwhile: {bad[0]}" if bad
                        else "builds ran where there was room")
        outcome.lost = len(bad)
        return outcome
    finally:
        rig.stop()
        run("umount", "-l", state, check=False)


EXCLUSIVE = {"work": [(lines_step(100, 0.05), ", exclusive: true")]}


@row(22, "an exclusive step's host dies: its second attempt waits", steps=EXCLUSIVE, hosts=2)
def exclusive_waits(rig):
    builds = rig.submit(count=1)
    rig.wait_started(builds)
    victim = next(row[4] for row in rig.seen() if row[1] == builds[0])
    begin = time.monotonic()
    agent, parent = rig.agent(victim), rig.programs[victim].pid
    rig.programs[victim].held = True
    for pid in (parent, agent):  # keeper and step go on, and nobody can hear them
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: time.monotonic() - begin > 12, 15, "the step has had time to overlap")
    rig.release(victim)
    outcome = check(rig, builds, lines=100)
    check_no_overlap(rig, "s1")
    outcome.note = "one attempt, never two at once"
    return outcome


@row(35, "a step that can't be killed: its group is frozen", hosts=2)
def unkillable(rig):
    freezer = "/sys/fs/cgroup/freezer"
    if not os.path.isdir(freezer):
        raise Skip("there is no cgroup v1 freezer on this machine")
    group = f"{freezer}/drover-fault-{os.getpid()}"
    os.makedirs(group, exist_ok=True)
    builds = rig.submit(count=2)
    rig.wait_started(builds)
    victim = next(row[4] for row in rig.seen() if row[1] == builds[0])
    steps = [pid for pid in rig.machine(victim)
             if "drover-" not in open(f"/proc/{pid}/comm", encoding="ascii").read()]
    for pid in steps:
        with open(group + "/cgroup.procs", "w", encoding="ascii") as file:
            file.write(str(pid))
    with open(group + "/freezer.state", "w", encoding="ascii") as file:
        file.write("FROZEN")
    try:
        rig.farm.text("cancel", builds[0], "--reason", "frozen", codes=(0, 1))
        more = rig.submit(count=4)
        others = rig.finished(more, 90)
        if any(r["result"] != "success" for r in others):
            raise Broken("other builds did not go on")
    finally:
        with open(group + "/freezer.state", "w", encoding="ascii") as file:
            file.write("THAWED")
    begin = time.monotonic()
    record = rig.finished(builds[:1], 60)[0]
    if record["result"] != "cancelled":
        raise Broken(f"the frozen build is {record['result']}")
    return Outcome(healed=time.monotonic() - begin, note="others went on; it ended when thawed")


def log_since(rig, name, mark):
    with open(rig.farm.folder + f"/logs/{name}.log", encoding="utf-8", errors="replace") as file:
        file.seek(mark)
        return file.read()


@row(41, "a host whose clock makes certificates expired, or too new", hosts=2)
def wrong_clock(rig):
    library = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    if not library:
        raise Skip("faketime is not installed")
    program, told, slowest = rig.programs["h1"], [], 0.0
    for jump, reason in (("+9000d", "expired"), ("-9000d", "not valid yet")):
        rig.hold("h1")
        wait_until(lambda: not rig.machine("h1"), 10, "h1 has ended")
        mark = os.path.getsize(rig.farm.folder + "/logs/h1.log")
        program.environment = {"LD_PRELOAD": library[0], "FAKETIME": jump,
                               "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        rig.release("h1")
        wait_until(lambda: reason in log_since(rig, "h1", mark), 30, f"h1 says '{reason}'")
        told.append(next(line for line in log_since(rig, "h1", mark).splitlines()
                         if reason in line).strip().rpartition("/")[2])
        outcome = check(rig, rig.submit(count=2))  # the other host does not notice
        if rig.states()["h1"] == "up":
            raise Broken(f"h1 was let in with certificates that are {reason}")
        rig.hold("h1")
        wait_until(lambda: not rig.machine("h1"), 10, "h1 has ended")
        program.environment = {}
        rig.release("h1")
        slowest = max(slowest, rig.wait_up("h1"))
    outcome.healed, outcome.note = slowest, told[0]
    return outcome
