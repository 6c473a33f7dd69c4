"""Where a run takes place: programs, folders, repeats, cores.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import os
import shutil
import sys
import time

from peers.buildbot import Buildbot, NotHere

# Where a file takes longer to make, the disk's allocator is busy with what was deleted lately.
SLOW_FILE_US = 60
FILES_TRIED = 200

CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "drover",
                     "peers")


class Context:
    def __init__(self, programs, work, options):
        self.programs = programs
        self.work = work
        self.quick = options.quick
        self.repeats = 3 if options.quick else max(1, options.repeats)
        self.peers = not options.no_peers
        self.cores_used = max(1, options.cores)
        self.cores = sorted(os.sched_getaffinity(0))
        self.began = time.monotonic()
        self.notes = []

    def program(self, name):
        return os.path.join(self.programs, name)

    def folder(self, name):
        """Where a farm or a peer may make its folder; what was there is gone."""
        path = os.path.join(self.work, name)
        shutil.rmtree(path, ignore_errors=True)
        return path

    def try_disk(self):
        """ext4 passes over numbers of files deleted within the last minutes, one by one, whenever
        it makes a file: where much was deleted just now, all that runs there is slow."""
        folder = self.folder("files")
        os.makedirs(folder)
        begin = time.perf_counter()
        for number in range(FILES_TRIED):
            os.close(os.open(os.path.join(folder, str(number)), os.O_CREAT | os.O_WRONLY))
        each = (time.perf_counter() - begin) / FILES_TRIED * 1e6
        if each > SLOW_FILE_US:
            self.notes.append(f"making a file takes {each:.0f} us here: figures with many files "
                              "are low; wait some minutes, or use --work on a quieter disk")
            self.say(self.notes[-1])

    def size(self, full, quick):
        return quick if self.quick else full

    def say(self, text):
        print(f"bench: {time.monotonic() - self.began:6.1f} s  {text}", file=sys.stderr, flush=True)

    @contextlib.contextmanager
    def on_its_cores(self):
        """All that is started meanwhile shares these cores: farm, load, limits and peers."""
        os.sched_setaffinity(0, self.cores[: self.cores_used])
        try:
            yield
        finally:
            os.sched_setaffinity(0, self.cores)

    def producer(self, size):
        """The command that prints `size` bytes."""
        return [self.program("bench_floor"), "--produce", str(size)]

    @contextlib.contextmanager
    def buildbot(self, producer, slots=1):
        """Buildbot, or None and a note where it can't be had."""
        if not self.peers:
            yield None
            return
        peer = None
        try:
            peer = Buildbot(CACHE, self.folder("buildbot"), producer, slots).__enter__()
        except NotHere as why:
            self.notes.append(f"without Buildbot: {why}")
            self.say(self.notes[-1])
        try:
            yield peer
        finally:
            if peer is not None:
                peer.stop()
