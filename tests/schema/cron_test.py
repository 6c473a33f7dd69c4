#!/usr/bin/env python3
"""Cron's times against python3-croniter, in UTC, over generated schedules.

SPDX-License-Identifier: Apache-2.0

Usage: cron_test.py PROGRAM [SEED]
"""

import datetime
import random
import subprocess
import sys

from croniter import croniter

FIELDS = ((0, 59), (0, 23), (1, 28), (1, 12), (0, 6))


def some_field(chance, least, most, star_step):
    kind = chance.randrange(5)
    if kind == 0 or (kind == 1 and not star_step):
        return "*"
    if kind == 1:
        return f"*/{chance.randint(2, 9)}"
    if kind == 2:
        low = chance.randint(least, most)
        high = chance.randint(low, most)
        # The whole range says nothing to croniter either; to cron it is a range.
        return "*" if (low, high) == (least, most) else f"{low}-{high}"
    if kind == 3:
        return ",".join(str(value) for value in sorted(chance.sample(range(least, most + 1), 2)))
    return str(chance.randint(least, most))


def main():
    program = sys.argv[1]
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 20260131
    chance = random.Random(seed)
    cases = []
    for _ in range(500):
        # A step on the stars of day fields makes them say something to croniter, not to cron.
        cron = " ".join(some_field(chance, *bounds, star_step=place not in (2, 4))
                        for place, bounds in enumerate(FIELDS))
        cases.append((chance.randrange(1_600_000_000, 1_900_000_000), cron))
    asked = "".join(f"{start}\tUTC\t{cron}\n" for start, cron in cases)
    done = subprocess.run([program], input=asked.encode(), stdout=subprocess.PIPE, check=True)
    wrong = 0
    for (start, cron), line in zip(cases, done.stdout.decode().splitlines(), strict=True):
        begin = datetime.datetime.fromtimestamp(start, datetime.timezone.utc)
        theirs = croniter(cron, begin)
        expected = [int(theirs.get_next(float)) for _ in range(5)]
        if [int(word) for word in line.split()] != expected:
            wrong += 1
            print(f"seed {seed}: '{cron}' from {start}: {line} but croniter says {expected}")
    print(f"{len(cases)} schedules, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
