"""Faults of the coordinator, its store and its clock.

SPDX-License-Identifier: Apache-2.0
"""

import glob
import os
import random
import shutil
import signal
import subprocess
import time

from history import Outcome, check, check_no_doubt, excerpt, watch_trust
from rig import Broken, Skip, lines_step, run, wait_until
from row import row_list

ROWS, row = row_list()

IN_FLIGHT_SECONDS = 2  # in which an order that was on its way has become a step
LONG = {"work": [lines_step(60, 0.1)] * 2}


@row(1, "coordinator killed -9 at random moments", quick=True)
def coordinator_killed(rig):
    builds = rig.submit(count=9)
    slowest = 0.0
    for _ in range(12):
        time.sleep(random.uniform(0.05, 0.6))  # the moment is the fault's chance
        rig.kill("coordinator")
        slowest = max(slowest, rig.wait_answer())
    outcome = check(rig, builds)
    outcome.healed, outcome.note = slowest, "12 kills"
    return outcome


@row(2, "coordinator stopped for 30 s, then continued", steps=LONG)
def coordinator_stopped(rig):
    builds = rig.submit(count=3)
    rig.wait_started(builds)
    pid = rig.programs["coordinator"].pid
    os.kill(pid, signal.SIGSTOP)
    begin = time.monotonic()
    wait_until(lambda: time.monotonic() - begin > 30, 35, "30 s have passed")
    os.kill(pid, signal.SIGCONT)
    begin = time.monotonic()
    rig.wait_answer()
    healed = rig.wait_up(*rig.names)
    outcome = check(rig, builds, lines=60)
    check_no_doubt(rig)
    outcome.healed, outcome.note = healed, "no attempt lost, none hedged"
    return outcome


def down_for(rig, seconds):
    """Held down under running steps for longer than any lease: they end meanwhile, and are told."""
    builds = rig.submit(count=6)
    rig.wait_started(builds)
    died = time.time()
    rig.hold("coordinator")
    time.sleep(IN_FLIGHT_SECONDS)
    began = sorted(row[1:5] for row in rig.seen() if row[0] == "start")
    begin = time.monotonic()
    wait_until(lambda: began == sorted(row[1:5] for row in rig.seen() if row[0] == "end"), 60,
               "hosts go on: what ran has ended")
    alone = time.monotonic() - begin
    wait_until(lambda: time.monotonic() - begin > seconds, seconds + 5, f"{seconds} s of the fault")
    late = [row for row in rig.seen() if row[0] == "start" and row[1:5] not in began]
    if late:
        raise Broken(f"began though the coordinator was dead since {died:.1f}: {late}")
    rig.release("coordinator")
    rig.wait_answer()
    healed = rig.wait_up(*rig.names)
    outcome = check(rig, builds, lines=60)
    check_no_doubt(rig)
    outcome.healed = healed
    outcome.note = (f"down for {seconds} s; {len(began)} steps ended within {alone:.1f} s of it, "
                    "and were told once")
    return outcome


@row("1d", "coordinator down for 90 s: longer than a lease", steps=LONG)
def coordinator_down(rig):
    return down_for(rig, 90)


@row("1h", "coordinator down for an hour", long=True, steps=LONG)
def coordinator_down_an_hour(rig):
    return down_for(rig, 3600)


def with_small_disk(rig, size):
    """Moves the coordinator's state onto a file system of `size`, and starts it there."""
    state = rig.farm.folder + "/coordinator"
    rig.hold("coordinator")
    moved = rig.folder + "/coordinator-before"
    shutil.move(state, moved)
    os.mkdir(state)
    image = rig.folder + "/disk.img"
    with open(image, "wb") as file:
        file.truncate(size)
    # All of it is for files: the store sets some 20 MiB aside before it writes anything.
    run("mkfs.ext4", "-q", "-F", "-m", "0", "-N", "1024", "-O", "^has_journal", image)
    if run("mount", "-o", "loop", image, state, check=False).returncode != 0:
        run("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", state)
    for name in os.listdir(moved):
        shutil.move(os.path.join(moved, name), state)
    rig.release("coordinator")
    rig.wait_answer()
    rig.wait_up(*rig.names)
    return state


@row(3, "the store's disk of 32 MiB runs full; space returns",
     steps={"work": [lines_step(40, 0.05)] * 2})
def store_full(rig):
    state = with_small_disk(rig, 32 << 20)
    try:
        builds = rig.submit(count=3)
        rig.wait_started(builds)
        filler = state + "/filler"
        with open(filler, "wb") as file:
            try:
                while True:
                    file.write(os.urandom(65536))
                    file.flush()
            except OSError:
                pass

        def refused():
            done = rig.farm.run("submit", "work")
            if done.returncode == 0:
                builds.append(done.stdout.decode().split()[-1].lstrip("#"))
            return done.returncode != 0 and done.stderr.decode()
        said = wait_until(refused, 60, "new work is refused")
        if "free" not in said:
            raise Broken(f"refused without the reason: {said.strip()}")
        starts = rig.programs["coordinator"].starts
        begin = time.monotonic()
        wait_until(lambda: time.monotonic() - begin > 5, 8, "it has stayed full for 5 s")
        if rig.programs["coordinator"].starts != starts:
            raise Broken("the coordinator died of a full disk")
        os.remove(filler)
        begin = time.monotonic()

        def takes():
            done = rig.farm.run("submit", "work")
            return done.returncode == 0 and done.stdout.decode().split()[-1].lstrip("#")
        builds.append(wait_until(takes, 60, "new work is taken again"))
        healed = time.monotonic() - begin
        outcome = check(rig, builds)
        outcome.healed, outcome.note = healed, "refused: " + said.strip()[:90]
        return outcome
    finally:
        rig.stop()
        run("umount", "-l", state, check=False)


def log_of(rig):
    return rig.farm.folder + "/logs/coordinator.log"


def said_since(rig, mark, *words):
    """Lines of the coordinator's log behind byte `mark` that have one of the words."""
    with open(log_of(rig), encoding="utf-8", errors="replace") as file:
        file.seek(mark)
        return [line for line in file if any(word in line for word in words)]


def newest_wal(rig):
    logs = [p for p in glob.glob(rig.farm.folder + "/coordinator/**/*.log", recursive=True)
            if os.path.basename(p)[0].isdigit()]
    return max(logs, key=os.path.getmtime)


@row(4, "the write-ahead log's tail is torn off", quick=True)
def torn_tail(rig):
    builds = rig.submit(count=3)
    rig.wait_started(builds)
    rig.hold("coordinator")
    log = newest_wal(rig)
    size = os.path.getsize(log)
    os.truncate(log, max(0, size - 50))
    rig.release("coordinator")
    begin = time.monotonic()
    try:
        rig.wait_answer(15)
    except Exception:
        said = said_since(rig, 0, "error", "refus", "store")
        if not said:
            raise Broken("it does not start and does not say why") from None
        return Outcome(note="what was acknowledged is torn, it refuses: " + excerpt(said[-1], 110))
    outcome = check(rig, builds)
    outcome.healed = time.monotonic() - begin
    outcome.note = f"50 of {size} bytes gone; the hosts said it again"
    return outcome


@row(5, "one bit flips in the middle of the write-ahead log", quick=True)
def wal_bit(rig):
    builds = rig.submit(count=3)
    rig.finished(builds)
    rig.hold("coordinator")
    log = newest_wal(rig)
    size = os.path.getsize(log)
    with open(log, "r+b") as file:
        file.seek(size // 2)
        byte = file.read(1)[0]
        file.seek(size // 2)
        file.write(bytes([byte ^ 0x10]))
    mark = os.path.getsize(log_of(rig))
    rig.release("coordinator")

    lines = wait_until(lambda: said_since(rig, mark, "store", "orrupt"), 30,
                       "it says what is wrong with the store")
    if rig.farm.run("builds").returncode == 0:
        missing = [b for b in builds if rig.farm.run("build", b).returncode not in (0, 1)]
        if missing:
            raise Broken(f"it opened short: builds {', '.join(missing)} are gone")
        return Outcome(note="repaired; every build is there")
    return Outcome(note="it refuses: " + excerpt(lines[0], 110))


@row(6, "one byte of the store's tables rots")
def table_rot(rig):
    builds = rig.submit(count=3)
    rig.finished(builds)
    rig.hold("coordinator")
    rig.release("coordinator")  # its start writes what the log had into tables
    rig.wait_answer()
    wait_until(lambda: glob.glob(rig.farm.folder + "/coordinator/**/*.sst", recursive=True), 30,
               "tables on disk")
    rig.hold("coordinator")
    table = max(glob.glob(rig.farm.folder + "/coordinator/**/*.sst", recursive=True),
                key=os.path.getsize)
    with open(table, "r+b") as file:
        file.seek(os.path.getsize(table) // 3)
        byte = file.read(1)[0]
        file.seek(-1, 1)
        file.write(bytes([byte ^ 0xff]))
    rig.release("coordinator")
    try:
        rig.wait_answer(15)
    except Exception:
        return Outcome(note="it refuses to start on a rotten table")
    done = rig.farm.run("admin", "verify", seconds=60)
    said = (done.stdout + done.stderr).decode(errors="replace").strip()
    if done.returncode == 0:
        raise Broken(f"verify finds nothing wrong: {excerpt(said, 200)}")
    for build in builds:
        for step in ("s1", "s2", "s3"):
            got = rig.farm.run("log", build, step, "--raw")
            want = "".join(f"build {build} step {step} line {i}\n" for i in range(1, 41)).encode()
            if got.returncode == 0 and got.stdout != want:
                raise Broken(f"wrong bytes were served as the log of build {build}")
    return Outcome(note="verify names it, and no wrong byte is served")


@row(7, "the store is put back to how it was before", quick=True)
def rolled_back(rig):
    first = rig.submit(count=1)
    rig.finished(first)
    rig.hold("coordinator")
    state, old = rig.farm.folder + "/coordinator", rig.folder + "/yesterday"
    shutil.copytree(state, old)
    rig.release("coordinator")
    rig.wait_answer()
    rig.wait_up(*rig.names)
    builds = rig.submit(count=3)
    rig.finished(builds)
    rig.hold("coordinator")
    for name in os.listdir(old):
        if name.endswith("high-water") or "high-water" in name:
            continue  # it stands beside the store, and was not put back
        path = os.path.join(state, name)
        if os.path.isdir(path) and name not in ("keys", "sources"):
            shutil.rmtree(path)
            shutil.copytree(os.path.join(old, name), path)
    mark = os.path.getsize(log_of(rig))
    rig.release("coordinator")

    lines = wait_until(lambda: said_since(rig, mark, "short", "lost", "older"), 30,
                       "it says that the store is older than it was")
    return Outcome(note=excerpt(lines[0], 120))


def traced(rig, *inject):
    """Starts the coordinator again under strace with these injections."""
    if shutil.which("strace") is None:
        raise Skip("strace is not installed")
    program = rig.programs["coordinator"]
    rig.hold("coordinator")
    program.prefix = ["strace", "-f", "-qq", "-o", "/dev/null", *inject]
    rig.release("coordinator")
    rig.wait_answer()
    rig.wait_up(*rig.names)


def untraced(rig):
    program = rig.programs["coordinator"]
    program.prefix = []


@row(8, "an fsync of the store fails once", quick=True)
def fsync_fails(rig):
    traced(rig, "-e", "inject=fdatasync,fsync:error=EIO:when=60")
    untraced(rig)  # the next start is a plain one
    starts = rig.programs["coordinator"].starts
    builds = []
    begin = time.monotonic()
    while rig.programs["coordinator"].starts == starts and time.monotonic() - begin < 60:
        done = rig.farm.run("submit", "work")
        if done.returncode == 0:
            builds.append(done.stdout.decode().split()[-1].lstrip("#"))
        time.sleep(0.05)
    if rig.programs["coordinator"].starts == starts:
        raise Broken("the coordinator went on after a failed fsync")
    healed = rig.wait_answer()
    rig.wait_up(*rig.names)
    missing = [b for b in builds if rig.farm.run("build", b).returncode not in (0, 1)]
    outcome = check(rig, [b for b in builds if b not in missing])
    outcome.lost += len(missing)
    outcome.healed = healed
    outcome.note = f"it stopped, and came back with all {len(builds)} acknowledged builds"
    return outcome


def slow_disk(rig):
    builds = rig.submit(count=3)
    seen = watch_trust(rig, builds, 240)
    outcome = check(rig, builds)
    outcome.note = seen
    return outcome


@row(9, "each fsync of the store takes half a second")
def fsync_slow(rig):
    traced(rig, "-e", "inject=fdatasync,fsync:delay_exit=500000")
    return slow_disk(rig)


@row("9b", "every twelfth fsync of the store stalls for 5 s")
def fsync_stalls(rig):
    traced(rig, "-e", "inject=fdatasync,fsync:delay_exit=5000000:when=40+12")
    return slow_disk(rig)


@row(10, "a second coordinator on the same store", quick=True, hosts=1)
def second_coordinator(rig):
    words = list(rig.programs["coordinator"].words)
    words[words.index("--socket") + 1] = rig.folder + "/second.sock"
    words[words.index("--listen") + 1] = "127.0.0.1:0"
    begin = time.monotonic()
    done = subprocess.run(words, capture_output=True, text=True, timeout=20, check=False)
    took = time.monotonic() - begin
    if done.returncode == 0:
        raise Broken("the second one ended without an error")
    builds = rig.submit(count=1)
    outcome = check(rig, builds)
    last = (done.stderr.strip().splitlines() or [""])[-1]
    outcome.note = f"refused in {took:.1f} s: {excerpt(last, 90)}"
    return outcome


@row(11, "the coordinator's wall clock jumps an hour and back")
def clock_jumps(rig):
    library = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    if not library:
        raise Skip("faketime is not installed")
    stamp = rig.folder + "/clock"

    def set_clock(text):
        with open(stamp + ".new", "w", encoding="ascii") as file:
            file.write(text + "\n")
        os.rename(stamp + ".new", stamp)
    set_clock("+0")
    program = rig.programs["coordinator"]
    rig.hold("coordinator")
    program.environment = {"LD_PRELOAD": library[0], "FAKETIME_TIMESTAMP_FILE": stamp,
                           "FAKETIME_NO_CACHE": "1", "DONT_FAKE_MONOTONIC": "1",
                           "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    rig.release("coordinator")
    rig.wait_answer()
    rig.wait_up(*rig.names)
    builds = rig.submit(count=6)
    rig.wait_started(builds[:3])
    for jump in ("+3600", "-3600", "+0"):
        set_clock(jump)
        begin = time.monotonic()
        wait_until(lambda begin=begin: time.monotonic() - begin > 1.5, 5, "the jump is felt")
        if any(state not in ("up", "suspect") for state in rig.states().values()):
            raise Broken(f"a jump of {jump} s lost hosts: {rig.states()}")
    outcome = check(rig, builds)
    for record in rig.finished(builds):
        for step in record["steps"]:
            for attempt in step["attempts"]:
                if attempt["result"] != "success":
                    raise Broken(f"an attempt ended {attempt['result']}: {attempt['reason']}")
    outcome.note = "leases did not notice"
    return outcome
