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
import unittest

import farm

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


if __name__ == "__main__":
    farm.main()
