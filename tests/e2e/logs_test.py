#!/usr/bin/env python3
"""Logs come out as they went in, however big or strange, and cost the coordinator little.

SPDX-License-Identifier: Apache-2.0
"""

import hashlib
import os
import subprocess
import sys
import threading

from farm import FarmCase, main, yaml_text

BIG_BYTES = 200_000_000
LINE = "a line of a long log, as compilers print them"
# Beyond what an idle coordinator has: write buffers of the store, pieces on their way.
GROWTH_KIB_MAX = 160 * 1024
# Later growth is what would go on for ever.
LATE_GROWTH_KIB_MAX = 32 * 1024

BINARY = bytes(range(256)) * 1000 + b"\xff\xfe no newline at the end"

CONFIG = f"""
farm: logs
builders:
  big:
    steps:
      - {{name: print, run: "yes '{LINE}' | head -c {BIG_BYTES}"}}
  binary:
    steps:
      - {{name: print, run: BINARY_SCRIPT}}
  empty:
    steps:
      - {{name: print, run: "true"}}
"""


class Memory(threading.Thread):
    """Samples a process's resident memory until told to stop."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.samples, self.done = pid, [], threading.Event()

    def run(self):
        while not self.done.wait(0.05):
            with open(f"/proc/{self.pid}/status", encoding="ascii", errors="replace") as file:
                for line in file:
                    if line.startswith("VmRSS:"):
                        self.samples.append(int(line.split()[1]))

    def stop(self):
        self.done.set()
        self.join()
        return self.samples


class Logs(FarmCase):
    def setUp(self):
        script = f"{sys.executable} FOLDER/print_binary.py"
        self.config = CONFIG.replace("BINARY_SCRIPT", yaml_text(script))
        super().setUp()
        self.write("print_binary.py", f"import sys\nsys.stdout.buffer.write({BINARY!r})\n")

    def digest_of_log(self, build):
        """(size, SHA-256) of the raw log, without holding it."""
        reader = subprocess.Popen(
            [os.path.join(self.farm.programs, "drover"), "--farm", self.farm.address, "log", build,
             "print", "--raw"], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        digest, size = hashlib.sha256(), 0
        with reader.stdout:
            while piece := reader.stdout.read(1 << 20):
                digest.update(piece)
                size += len(piece)
        self.assertEqual(reader.wait(), 0)
        return size, digest.hexdigest()

    def test_200_megabytes_are_exact_and_the_coordinators_memory_stays_flat(self):
        line = LINE.encode() + b"\n"
        whole = line * (BIG_BYTES // len(line) + 1)
        wanted = (BIG_BYTES, hashlib.sha256(whole[:BIG_BYTES]).hexdigest())
        del whole
        pid = self.farm.pid("coordinator")
        memory = Memory(pid)
        memory.start()
        build = self.submit("big")
        record = self.finished(build, seconds=300)
        self.assertEqual(record["result"], "success", record)
        self.assertEqual(self.digest_of_log(build), wanted)
        samples = memory.stop()
        self.assertEqual(self.farm.pid("coordinator"), pid)
        half = len(samples) // 2
        print(f"coordinator's memory in KiB: {samples[0]} at first, at most {max(samples)}")
        self.assertLess(max(samples) - samples[0], GROWTH_KIB_MAX)
        self.assertLess(max(samples[half:]) - max(samples[:half]), LATE_GROWTH_KIB_MAX)

    def test_any_bytes_are_kept_and_shown(self):
        build = self.submit("binary")
        self.assertEqual(self.finished(build)["result"], "success")
        self.assertEqual(self.farm.log(build, "print"), BINARY)
        shown = self.farm.run("log", build, "print")
        self.assertEqual(shown.returncode, 0, shown.stderr)

    def test_a_log_can_be_followed_to_its_end(self):
        build = self.submit("binary")
        followed = self.farm.run("log", build, "print", "--follow", "--raw")
        self.assertEqual(followed.returncode, 0, followed.stderr)
        self.assertEqual(followed.stdout, BINARY)

    def test_an_empty_log_is_empty(self):
        build = self.submit("empty")
        self.finished(build)
        self.assertEqual(self.farm.log(build, "print"), b"")


if __name__ == "__main__":
    main()
