#!/usr/bin/env python3
"""bench/run measures, and what it writes is well formed.

SPDX-License-Identifier: Apache-2.0
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import types
import unittest

import farm

sys.path.insert(0, os.path.join(farm.TOP, "bench"))

from metrics import goodput  # noqa: E402

RUN = os.path.join(farm.TOP, "bench", "run")
COLUMNS = 10


class Bench(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="drover-e2e-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def run_it(self, *words):
        return subprocess.run([sys.executable, RUN, *words], capture_output=True, text=True,
                              timeout=120, check=False)

    def test_one_metric_is_measured_beside_its_limit(self):
        results = os.path.join(self.folder, "results.json")
        table = os.path.join(self.folder, "table.md")
        done = self.run_it("noop", "--quick", "--no-peers", "--bin", farm.PROGRAMS, "--work",
                           self.folder, "--json", results, "--table", table)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("no-op build", done.stdout)
        with open(results, encoding="utf-8") as file:
            said = json.load(file)
        self.assertGreater(said["machine"]["cores"], 0)
        self.assertEqual([one["metric"] for one in said["figures"]], ["P2", "P2"])
        for figure in said["figures"]:
            self.assertEqual(len(figure["value"]["samples"]), said["repeats"])
            self.assertGreater(figure["value"]["median"], figure["peer_value"]["median"])
            for mine, peer, ratio in zip(*(figure[part]["samples"]
                                           for part in ("value", "peer_value", "ratio"))):
                self.assertAlmostEqual(mine / peer, ratio)
            self.assertGreaterEqual(figure["value"]["worst"], figure["value"]["median"])
        self.assertIn(said["figures"][0]["verdict"], ("ok", "MISS"))
        with open(table, encoding="utf-8") as file:
            rows = [line for line in file if line.startswith("|")]
        self.assertEqual(len(rows), 2 + len(said["figures"]))
        for row in rows:
            self.assertEqual(row.count("|"), COLUMNS + 1, row)
        self.assertEqual(os.listdir(self.folder).count("results.json"), 1)
        self.assertFalse([name for name in os.listdir(self.folder) if "bench" in name],
                         "its own folder is left")

    def test_a_name_that_is_none_is_refused(self):
        done = self.run_it("speed")
        self.assertEqual(done.returncode, 2)
        self.assertIn("no metric 'speed'", done.stderr)

    def test_missing_programs_are_named(self):
        done = self.run_it("link", "--bin", self.folder)
        self.assertEqual(done.returncode, 2)
        self.assertIn("bench_link", done.stderr)

    def test_goodput_counts_what_an_oracle_would_lose_and_each_step_once(self):
        # Host a dies at 13 in a step that began at 10, and is back at 16; b does all it can.
        chaos = types.SimpleNamespace(hosts=["a", "b"], deaths=[("a", 13.0, 16.0)])
        rows = [("start", "1", "s1", 1, "a", 10.0), ("start", "2", "s1", 1, "b", 10.0),
                ("end", "2", "s1", 1, "b", 15.0), ("start", "2", "s2", 1, "b", 15.0),
                ("start", "1", "s1", 2, "a", 16.0), ("end", "2", "s2", 1, "b", 20.0),
                ("end", "1", "s1", 2, "a", 20.0), ("start", "3", "s2", 1, "b", 20.0),
                ("end", "3", "s2", 1, "b", 24.0)]
        self.assertEqual(goodput.oracle_seconds(rows, chaos, (10.0, 24.0)), 2 * 14 - 3 - 3)
        # Build 3 is a second opinion on 2: its step was done already.
        farm_of_records = types.SimpleNamespace(record=lambda build: {
            "id": build, "retry_of": None, "opinion_of": 2})
        self.assertEqual(goodput.useful_seconds(farm_of_records, rows, {1, 2}, (10.0, 24.0)),
                         4 + 5 + 5)


if __name__ == "__main__":
    farm.main()
