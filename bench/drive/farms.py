"""Farms under load: `drover up` in a folder of its own, asked over one connection of the API.

SPDX-License-Identifier: Apache-2.0
"""

import http.client
import json
import os
import socket
import sys
import threading

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tools", "demo.d"))

from farmctl import Farm  # noqa: E402

from .programs import BenchError  # noqa: E402

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


class Api(http.client.HTTPConnection):
    """One connection that is kept, as a good client does."""

    def __init__(self, path):
        super().__init__("localhost")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)

    def ask(self, method, target, body=None):
        self.request(method, target, None if body is None else json.dumps(body))
        answer = self.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise BenchError(f"{method} {target}: {answer.status} {text[:200]!r}")
        return json.loads(text)


class BenchFarm(Farm):
    """Ends with its `with`; `config` is its farm.yaml."""

    def __init__(self, context, name, config, hosts=1, slots=1):
        super().__init__(context.programs, context.folder(name))
        self.options = ["--hosts", str(hosts), "--slots", str(slots)]
        self.config_file = os.path.join(self.folder + ".yaml")
        with open(self.config_file, "w", encoding="utf-8") as file:
            file.write(config)
        self.api = None

    def __enter__(self):
        self.start("--config", self.config_file, *self.options)
        self.api = Api(self.address)
        return self

    def __exit__(self, *_):
        self.api.close()
        self.stop()

    def submit(self, builder, count=1):
        """`count` builds, submitted at once: the ids, and the campaign that they are (or none)."""
        answer = self.api.ask("POST", "/api/v1/builds", {"orders": [{"builder": builder}] * count})
        return [int(one) for one in answer["builds"]], answer["campaign"]

    def wait_for(self, build):
        """The build, once it is finished and a success."""
        while True:
            record = self.api.ask("GET", f"/api/v1/builds/{build}?wait=30")
            if record["state"] == "finished":
                break
        if record["result"] != "success":
            raise BenchError(f"build {build} ended as {record['result']}: {record['reason']}")
        return record

    def run_builds(self, builder, count=1):
        """Returns when all are successes. Asks seldom, so that asking costs the farm little: builds
        end in the order of their ids, but for a few."""
        builds, campaign = self.submit(builder, count)
        left = builds[-1:]
        while left:
            self.wait_for(left[-1])
            if not campaign:
                return
            cells = self.api.ask("GET", f"/api/v1/campaigns/{campaign}")["cells"]
            left = [cell["build"] for cell in cells if cell["state"] != "finished"]
        if any(cell["result"] != "success" for cell in cells):
            raise BenchError(f"not all builds of campaign {campaign} are successes")


def resident(pid):
    """Bytes of memory that the process has now."""
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * PAGE


def processor_seconds(pid):
    """User and system time that the process has used so far."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


class MemoryWatch:
    """The highest `resident` of a process while inside its `with`."""

    def __init__(self, pid, every=0.05):
        self.pid = pid
        self.every = every
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.look_on, daemon=True)
        self.peak = 0

    def look_on(self):
        while not self.over.wait(self.every):
            self.peak = max(self.peak, resident(self.pid))

    def __enter__(self):
        self.peak = resident(self.pid)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
