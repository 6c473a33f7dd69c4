#!/usr/bin/env python3
"""The demo as a person runs it, but with the programs of this build, in a temporary folder.

SPDX-License-Identifier: Apache-2.0
"""

import glob
import os
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def main():
    programs = sys.argv[sys.argv.index("--bin") + 1]
    with tempfile.TemporaryDirectory(prefix="drover-demo-") as folder:
        farm = os.path.join(folder, "farm")
        done = subprocess.run([os.path.join(TOP, "tools", "demo"), "--bin", programs,
                               "--dir", farm], check=False, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            for path in sorted(glob.glob(os.path.join(farm, "logs", "*"))):
                with open(path, encoding="utf-8", errors="replace") as file:
                    print(f"--- {os.path.basename(path)}\n" + "".join(file.readlines()[-40:]))
        return done.returncode


if __name__ == "__main__":
    sys.exit(main())
