"""P9: the coordinator is killed; how soon its next life answers, with many builds in the store.

SPDX-License-Identifier: Apache-2.0
"""

import http.client
import os
import shutil
import subprocess
import time

from drive.farms import Api
from drive.figures import Figure, Wanted, in_turns
from drive.programs import BenchError

from .noop import CONFIG

READY_SECONDS = 60


class Life:
    """Coordinators on one store, one after the other."""

    def __init__(self, context, name):
        self.context = context
        self.folder = context.folder(name)
        os.makedirs(self.folder)
        self.store = os.path.join(self.folder, "store")
        self.config = os.path.join(self.folder, "farm.yaml")
        self.socket = os.path.join(self.folder, "sock")
        with open(self.config, "w", encoding="ascii") as file:
            file.write(CONFIG)

    def is_ready(self):
        api = Api(self.socket)
        try:
            api.request("GET", "/readyz")
            return api.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            api.close()

    def start_and_kill(self):
        """Milliseconds from the start of the program to its first answer."""
        with open(os.path.join(self.folder, "log"), "ab") as log:
            begin = time.perf_counter()
            process = subprocess.Popen(
                [self.context.program("drover-coordinator"), "--dir", self.folder, "--config",
                 self.config, "--listen", "127.0.0.1:0", "--socket", self.socket],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            while not self.is_ready():
                if process.poll() is not None or time.perf_counter() - begin > READY_SECONDS:
                    raise BenchError(f"the coordinator does not start: see {self.folder}/log")
                time.sleep(0.001)
            return (time.perf_counter() - begin) * 1e3
        finally:
            process.kill()
            process.wait()

    def open_bare(self):
        """Milliseconds that RocksDB alone takes, for a copy of what the killed one has left."""
        copy = os.path.join(self.folder, "copy")
        shutil.copytree(self.store, copy)
        said = subprocess.run([self.context.program("bench_fill_store"), "--open", copy],
                              check=True, capture_output=True, text=True)
        shutil.rmtree(copy)
        return float(said.stdout.split(":")[1].strip(" }\n"))


def measure(context):
    count = context.size(100_000, 10_000)
    with context.on_its_cores():
        full, empty = Life(context, "restart"), Life(context, "restart-empty")
        context.say(f"making a store of {count} builds")
        subprocess.run([context.program("bench_fill_store"), full.store, str(count)], check=True)
        ready, bare, fresh = in_turns(context.repeats, full.start_and_kill, full.open_bare,
                                      empty.start_and_kill)
    what = f"killed coordinator ready again, {count:,} builds stored"
    return [
        Figure("P9", what, "ms", ready, "RocksDB opens a copy", bare,
               start=Wanted("value", "<", 1000), less=True, goal="< 300 ms, <= 2 x"),
        Figure("P9", what, "ms", ready, "an empty store", fresh, less=True, goal="flat"),
    ]
