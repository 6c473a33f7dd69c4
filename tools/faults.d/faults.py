"""Runs rows of the fault matrix and prints what each has cost.

SPDX-License-Identifier: Apache-2.0
"""

import argparse
import multiprocessing
import os
import random
import shutil
import sys
import tempfile
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import rows_blame  # noqa: E402
import rows_coordinator  # noqa: E402
import rows_frames  # noqa: E402
import rows_host  # noqa: E402
import rows_kills  # noqa: E402
import rows_ladder  # noqa: E402
import rows_net  # noqa: E402
import rows_output  # noqa: E402
import rows_power  # noqa: E402
import rows_step  # noqa: E402
import rows_storm  # noqa: E402
import rows_upgrade  # noqa: E402
from rig import TOP, Broken, FarmError, Skip, stop_farms_on_sigterm  # noqa: E402

SKIPS_MAX = 5
NOT_HERE = 77  # what ctest takes for skipped

MODULES = (rows_blame, rows_coordinator, rows_frames, rows_host, rows_kills, rows_ladder, rows_net,
           rows_output, rows_power, rows_step, rows_storm, rows_upgrade)
ROWS = sorted((row for module in MODULES for row in module.ROWS),
              key=lambda row: (int(row.number.rstrip("abcdefghijklmnopqrstuvwxyz")), row.number))


class Colours:
    def __init__(self):
        on = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        self.red, self.green, self.yellow, self.off = (
            ("\033[31m", "\033[32m", "\033[33m", "\033[0m") if on else ("", "", "", ""))


def wanted_rows(words, long):
    if "all" in words:
        return [row for row in ROWS if long or not row.long]
    if not words:
        return [row for row in ROWS if row.quick]
    for word in words:
        if word not in {row.number for row in ROWS}:
            sys.exit(f"faults: no row {word}: see tools/faults --list")
    return [row for row in ROWS if row.number in words]


def run_row(row, options):
    """(verdict, outcome or None, sentence)"""
    stop_farms_on_sigterm()
    random.seed(options.seed)
    folder = tempfile.mkdtemp(prefix="drover-faults-")
    rigs = []
    failed = True
    try:
        outcome = row.cause(options, folder, rigs)
        failed = bool(outcome.lost or outcome.twice)
        return ("FAILED" if failed else "passed"), outcome, outcome.note
    except Skip as reason:
        failed = False
        return "skipped", None, str(reason)
    except (Broken, FarmError) as problem:
        return "FAILED", None, str(problem)
    except Exception as problem:  # a defect of the harness is a failure, too
        return "FAILED", None, "".join(traceback.format_exception_only(problem)).strip()
    finally:
        for rig in rigs:
            if failed:
                show_logs(rig)
            rig.stop()
        if failed and options.keep:
            print(f"    kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def show_logs(rig):
    place = rig.farm.folder + "/logs"
    for name in sorted(os.listdir(place)) if os.path.isdir(place) else ():
        with open(os.path.join(place, name), encoding="utf-8", errors="replace") as file:
            lines = file.readlines()[-8:]
        print(f"    --- {name}\n" + "".join(f"    {line}" for line in lines), end="")


def main():
    parser = argparse.ArgumentParser(prog="tools/faults", add_help=False)
    parser.add_argument("rows", nargs="*")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--bin", default=os.path.join(TOP, "build", "dev", "bin"))
    parser.add_argument("--seed", type=int, default=random.randrange(1, 1_000_000))
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--earlier")
    options = parser.parse_args()
    if options.list:
        for row in ROWS:
            kind = "quick" if row.quick else "long" if row.long else ""
            print(f"{row.number:>4}  {kind:<5}  {row.title}")
        return 0
    if os.geteuid() != 0:
        print("faults: needs root, for network namespaces, mounts and strace")
        return NOT_HERE
    rows = wanted_rows(options.rows, options.long)
    print(f"seed {options.seed}, {len(rows)} rows, programs of {options.bin}\n")
    return report(rows, options)


def verdicts(rows, options):
    """What `run_row` says of each row, in their order; `jobs` of them run at once."""
    if options.jobs < 2:
        yield from (run_row(row, options) for row in rows)
        return
    # A process for each row: chance, networks and leftovers are by process.
    with multiprocessing.get_context("fork").Pool(options.jobs, maxtasksperchild=1) as pool:
        yield from pool.imap(RunOne(options), [row.number for row in rows])


class RunOne:
    """A row by its number: what is handed to another process can't be a function in a function."""

    def __init__(self, options):
        self.options = options

    def __call__(self, number):
        return run_row(next(row for row in ROWS if row.number == number), self.options)


def report(rows, options):
    colours = Colours()
    wide = max(len(row.title) for row in rows)
    paint = {"passed": colours.green, "FAILED": colours.red, "skipped": colours.yellow}
    print(f"{'row':>4}  {'fault':<{wide}} {'lost':>4} {'twice':>5} {'hedged':>6} {'healed':>8}"
          "  verdict")
    counts = {"passed": 0, "FAILED": 0, "skipped": 0}
    begin = time.monotonic()
    for row, (verdict, outcome, sentence) in zip(rows, verdicts(rows, options)):
        counts[verdict] += 1
        figures = ("   -     -      -        -" if outcome is None else
                   f"{outcome.lost:>4} {outcome.twice:>5} {outcome.hedged:>6} "
                   f"{outcome.healed:>6.1f} s")
        print(f"{row.number:>4}  {row.title:<{wide}} {figures}  "
              f"{paint[verdict]}{verdict}{colours.off}"
              + (f": {sentence}" if sentence else ""), flush=True)
    took = time.monotonic() - begin
    print(f"\n{counts['passed']} passed, {counts['FAILED']} failed, {counts['skipped']} skipped "
          f"in {took:.0f} s")
    if counts["skipped"] > SKIPS_MAX:
        print(f"more than {SKIPS_MAX} rows were skipped: that is no proof")
        return 1
    return 1 if counts["FAILED"] else 0


if __name__ == "__main__":
    sys.exit(main())
