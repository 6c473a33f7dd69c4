#!/usr/bin/env python3
"""Runs Vitest over the pages' script, where npm has installed it.

SPDX-License-Identifier: Apache-2.0

Exit code 77 where it is not installed: the build says why at its configure time.
"""

import os
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WEB = os.path.join(TOP, "web")
VITEST = os.path.join(WEB, "node_modules", "vitest", "vitest.mjs")

if not os.path.exists(VITEST):
    print("skipped: web/node_modules is not there (npm ci, or the build target drover_web)")
    sys.exit(77)
sys.exit(subprocess.run(["node", VITEST, "run"], cwd=WEB, check=False).returncode)
