"""Kills one program of a small farm at each of its calls in turn and prints what it has cost.

SPDX-License-Identifier: Apache-2.0
"""

import argparse
import collections
import concurrent.futures
import dataclasses
import os
import shutil
import sys
import tempfile
import threading
import time
import traceback

import campaign
from small_farm import TOP, FarmError, Point, SmallFarm, make_keys

from rig import Broken

PROGRAMS = ("coordinator", "host", "agent", "keeper")
CLASSES = ("write", "send", "fsync", "rename")
MOMENTS = ("before", "torn", "after")
RERUNS = {"keeper": 1}  # the step whose keeper dies runs once more; nothing else ever does


@dataclasses.dataclass
class Result:
    """What became of one kill."""
    point: Point
    call: str = ""      # where it died; "" if it never came to that call
    problem: str = ""
    hedged: int = 0
    reruns: int = 0
    needed: int = 0
    seconds: float = 0.0
    calls: tuple = ()


class Sweep:
    def __init__(self, options, base):
        self.options, self.base = options, base
        self.keys = make_keys(options.bin, os.path.join(base, "keys"))
        self.numbers = iter(range(1, 1 << 30))
        self.lock = threading.Lock()

    def one(self, point):
        with self.lock:
            folder = os.path.join(self.base, str(next(self.numbers)))
        os.makedirs(os.path.join(folder, "farm"))
        begin = time.monotonic()
        farm = SmallFarm(self.options.bin, folder, campaign.config, point)
        result = Result(point)
        try:
            farm.start_with(self.keys)
            builds = campaign.submit(farm)
            result.needed = len(builds) * len(campaign.STEPS)
            result.hedged, result.reruns = campaign.verify(farm, builds,
                                                           RERUNS.get(point.program, 0))
        except (Broken, FarmError) as problem:
            result.problem = str(problem)
        except Exception as problem:  # a defect of the harness is a failure, too
            result.problem = "".join(traceback.format_exception(problem)).strip()
        finally:
            farm.stop()
        result.seconds = time.monotonic() - begin
        result.call = farm.killed_at()
        result.calls = tuple(farm.seen_calls()) if not point.at else ()
        if result.problem and self.options.keep:
            result.problem += f" (kept: {folder})"
        else:
            shutil.rmtree(folder, ignore_errors=True)
        return result

    def count(self, program):
        """The calls that a program makes in a campaign that nobody disturbs."""
        result = self.one(Point(program))
        if result.problem:
            raise FarmError(f"the campaign fails without any kill: {result.problem}")
        return result.calls

    def points(self):
        """What is to be tried, in order; without --at as many as an undisturbed campaign has."""
        options = self.options
        if options.at:
            return [Point(program, kind, options.at, options.when)
                    for program in options.programs for kind in options.classes]
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            counts = list(pool.map(self.count, options.programs))
        points = []
        for program, calls in zip(options.programs, counts):
            most = campaign.count_calls(calls)
            print(f"{program}: " + ", ".join(f"{most[kind]} {kind}" for kind in CLASSES)
                  + " calls in a campaign", flush=True)
            points += [Point(program, kind, number, options.when) for kind in options.classes
                       for number in some_of(most[kind], options.every)]
        return points

    def run(self, points):
        """Results in the order of the points, with a line of progress on a terminal."""
        done = []
        with concurrent.futures.ThreadPoolExecutor(self.options.jobs) as pool:
            try:
                for result in pool.map(self.one, points):
                    done.append(result)
                    self.tell(result, f"{len(done)} of {len(points)}", len(done) % 100 == 0)
            except KeyboardInterrupt:
                print(f"\nstopped: {len(points) - len(done)} points are left", flush=True)
                pool.shutdown(cancel_futures=True)
        return done

    @staticmethod
    def tell(result, progress, round_number):
        if result.problem:
            print(failure_text(result), flush=True)
        if sys.stdout.isatty():
            print(f"\r{progress}", end="\r", flush=True)
        elif round_number:
            print(progress, flush=True)


def some_of(most, every):
    """Every `every`th number up to `most`, from the middle of the first; at least one."""
    return range(min((every + 1) // 2, most) or 1, most + 1, every)


def failure_text(result):
    at = f" at {result.call}" if result.call else ", which it never came to"
    return (f"FAILED: {' '.join(result.point.words()[1::2])}{at}\n  {result.problem}\n"
            f"  again: tools/kill-sweep --keep {' '.join(result.point.words())}")


def table(results):
    """The lines of the table: a line a program and class."""
    groups = collections.defaultdict(list)
    for result in results:
        groups[result.point.program, result.point.kind].append(result)
    lines = [f"{'program':<12} {'class':<7} {'points':>6} {'killed':>6} {'needed':>7} {'run':>7} "
             f"{'ratio':>6} {'hedges':>6}  verdict"]
    for (program, kind), group in groups.items():
        killed = [one for one in group if one.call]
        failed = sum(bool(one.problem) for one in group)
        needed = sum(one.needed for one in group)
        ran = needed + sum(one.reruns for one in group)
        verdict = "passed" if not failed else f"FAILED: {failed}"
        lines.append(f"{program:<12} {kind:<7} {len(group):>6} {len(killed):>6} {needed:>7} "
                     f"{ran:>7} {ran / max(1, needed):>6.3f} "
                     f"{sum(one.hedged for one in group):>6}  {verdict}")
    return lines


def read_options():
    parser = argparse.ArgumentParser(prog="tools/kill-sweep", add_help=False)
    parser.add_argument("--program", action="append", choices=PROGRAMS, dest="programs")
    parser.add_argument("--class", action="append", choices=CLASSES, dest="classes")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--at", type=int, default=0)
    parser.add_argument("--when", choices=MOMENTS, default="before")
    parser.add_argument("--calls", action="store_true")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--bin", default=os.path.join(TOP, "build", "dev", "bin"))
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    options.bin = os.path.abspath(options.bin)
    options.programs = options.programs or PROGRAMS
    options.classes = options.classes or CLASSES
    options.every = max(1, options.every)
    return options


def main():
    options = read_options()
    if not os.access(os.path.join(options.bin, "kill_point"), os.X_OK):
        sys.exit(f"kill-sweep: {options.bin} has no kill_point: build that target")
    base = tempfile.mkdtemp(prefix="drover-sweep-")
    try:
        return sweep(options, Sweep(options, base))
    except FarmError as problem:
        print(f"kill-sweep: {problem}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(os.path.join(base, "keys"), ignore_errors=True)
        if not os.listdir(base):  # else: farms that failed and are kept
            os.rmdir(base)


def sweep(options, work):
    if options.calls:
        for program in options.programs:
            for kind, number, what in work.count(program):
                if kind in options.classes:
                    print(program, kind, number, what)
        return 0
    begin = time.monotonic()
    points = work.points()
    results = work.run(points)
    print("\n" + "\n".join(table(results)))
    failed = [one for one in results if one.problem]
    print(f"\n{len(results)} farms, {sum(bool(one.call) for one in results)} kills, "
          f"{len(failed)} failed in {time.monotonic() - begin:.0f} s")
    return 1 if failed or len(results) < len(points) else 0


if __name__ == "__main__":
    sys.exit(main())
