"""Figures: what was measured, beside what, and what is asked for.

SPDX-License-Identifier: Apache-2.0
"""

import dataclasses
import operator
import statistics
import time

SIGNS = {">=": operator.ge, "<=": operator.le, "<": operator.lt}


@dataclasses.dataclass
class Wanted:
    """What an issue asks for: of the ratio to the peer, or of the value itself."""

    of: str  # "ratio" or "value"
    sign: str
    bound: float

    def met_by(self, number):
        return SIGNS[self.sign](number, self.bound)

    def __str__(self):
        return f"{self.sign} {self.bound:g}" + (" x peer" if self.of == "ratio" else "")


@dataclasses.dataclass
class Figure:
    """One line of the table. `values` and `peer_values` were taken in turns, one of each a repeat;
    more is better unless `less` says otherwise."""

    metric: str
    what: str
    unit: str
    values: list
    peer: str = ""
    peer_values: list = dataclasses.field(default_factory=list)
    start: Wanted | None = None
    goal: str = ""
    less: bool = False
    note: str = ""

    def worst_of(self, numbers):
        return max(numbers) if self.less else min(numbers)

    @property
    def ratios(self):
        return [mine / other for mine, other in zip(self.values, self.peer_values)]

    @property
    def verdict(self):
        if self.start is None:
            return "-"
        numbers = self.ratios if self.start.of == "ratio" else self.values
        if not numbers:
            return "no peer"
        return "ok" if self.start.met_by(statistics.median(numbers)) else "MISS"

    def as_json(self):
        def summary(numbers):
            return {"median": statistics.median(numbers), "worst": self.worst_of(numbers),
                    "samples": numbers} if numbers else None
        return {"metric": self.metric, "what": self.what, "unit": self.unit,
                "better": "less" if self.less else "more", "value": summary(self.values),
                "peer": self.peer, "peer_value": summary(self.peer_values),
                "ratio": summary(self.ratios), "start": str(self.start) if self.start else None,
                "goal": self.goal or None, "verdict": self.verdict, "note": self.note or None}


def in_turns(repeats, *measures):
    """Calls the measures `repeats` times in turns, each time from the other end, after one round
    that does not count. A list of results for each."""
    results = [[] for _ in measures]
    for measure in measures:
        measure()
    for turn in range(repeats):
        order = list(enumerate(measures))
        for index, measure in order if turn % 2 == 0 else reversed(order):
            results[index].append(measure())
    return results


def percentile(numbers, part):
    """The smallest number that `part` (0 to 1) of them do not exceed."""
    ordered = sorted(numbers)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def seconds_of(work):
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin
