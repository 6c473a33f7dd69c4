#!/usr/bin/env python3
"""The host's programs carry neither RocksDB nor Boost: not as libraries, not as code.

SPDX-License-Identifier: Apache-2.0
"""

import os
import subprocess
import sys

SMALL = ["drover-host", "drover-keeper"]
FORBIDDEN = {"rocksdb": "rocksdb::", "boost": "boost::"}


def output_of(*words):
    # ldd says by its exit code that a program is linked statically.
    return subprocess.run(words, capture_output=True, text=True, check=words[0] != "ldd").stdout


def problems_of(program):
    """What `program` has that it must not have."""
    found = []
    libraries = output_of("ldd", program)
    symbols = output_of("nm", "-C", "--defined-only", program) + output_of("nm", "-DC", program)
    for name, prefix in FORBIDDEN.items():
        if f"lib{name}" in libraries:
            found.append(f"{os.path.basename(program)} links lib{name}")
        if any(f" {prefix}" in line for line in symbols.splitlines()):
            found.append(f"{os.path.basename(program)} has code of {name}")
    return found


def main():
    folder = sys.argv[sys.argv.index("--bin") + 1]
    problems = [text for name in SMALL for text in problems_of(os.path.join(folder, name))]
    # The same look must find RocksDB where it is, or it would find nothing anywhere.
    if not problems_of(os.path.join(folder, "drover-coordinator")):
        problems.append("this check does not see RocksDB in drover-coordinator: it is blind")
    print("\n".join(problems) or "drover-host and drover-keeper: no RocksDB, no Boost")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
