"""A farm of two hosts whose coordinator, host, agent or keepers die at a chosen call.

SPDX-License-Identifier: Apache-2.0
"""

import dataclasses
import http.client
import json
import os
import shutil
import signal
import sys
import threading
import time
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TOP, "tools", "faults.d"))
sys.path.insert(0, os.path.join(TOP, "bench"))

from drive.farms import Api  # noqa: E402
from host_groups import groups_of, remove_groups  # noqa: E402
from rig import Farm, FarmError, Program, Rig, free_port, wait_until  # noqa: E402

ANSWER_SECONDS = 60
WAIT_SECONDS = 20  # of one question that waits; asked again after it


@dataclasses.dataclass(frozen=True)
class Point:
    """Where a program dies; `at` 0: it lives and its calls are counted."""
    program: str
    kind: str = ""
    at: int = 0
    when: str = "before"

    def words(self):
        """As options of tools/kill-sweep."""
        more = [] if self.when == "before" else ["--when", self.when]
        return ["--program", self.program, "--class", self.kind, "--at", str(self.at), *more]


def make_keys(programs, folder):
    """The keys of a farm with hosts h1 and h2; all farms of a sweep have the same."""
    os.makedirs(folder, exist_ok=True)
    farm = Farm(programs, folder)
    farm.start("--hosts", "2")
    farm.stop()
    return folder


class SmallFarm(Rig):
    """Asks by HTTP rather than by `drover`: a sweep has thousands of farms."""

    def __init__(self, programs, folder, config, point):
        super().__init__(programs, folder, hosts=2, slots=2)
        self.farm.log = self.log  # the history's checks ask for logs there
        self.config = config(self)
        self.point = point
        self.calls = os.path.join(folder, "calls")
        self.traced = "coordinator" if point.program == "coordinator" else "h1"

    def start_with(self, keys):
        there = self.farm.folder
        for place in ("coordinator/keys", "hosts/h1/keys", "hosts/h2/keys"):
            shutil.copytree(f"{keys}/{place}", f"{there}/{place}")
        os.mkdir(f"{there}/logs")
        with open(f"{there}/farm.yaml", "w", encoding="utf-8") as file:
            file.write(self.config)
        self.port = free_port()
        self.add("coordinator", ["drover-coordinator", "--dir", there + "/coordinator", "--config",
                                 there + "/farm.yaml", "--folder", self.folder, "--listen",
                                 f"127.0.0.1:{self.port}", "--socket", there + "/drover.sock"])
        for number, name in enumerate(self.names):
            self.add_host(name, number)
        threading.Thread(target=self.watch, daemon=True).start()

    def add(self, name, words, namespace=None):
        program = Program(name, [os.path.join(self.bin, words[0]), *words[1:]],
                          f"{self.farm.folder}/logs/{name}.log", namespace)
        if name == self.traced:
            point = self.point
            chosen = ["--class", point.kind, "--at", str(point.at), "--when", point.when]
            program.prefix = [os.path.join(self.bin, "kill_point"), "--program", point.program,
                              "--list", self.calls, *(chosen if point.at else ()), "--"]
        self.programs[name] = program
        program.start()
        program.prefix = []  # it dies once

    # -- what the tracer saw -----------------------------------------------------------------------

    def seen_calls(self):
        """[(class, number, "syscall target")]"""
        try:
            with open(self.calls, encoding="utf-8", errors="replace") as file:
                rows = [line.rstrip("\n").removeprefix("killed ").split(" ", 2) for line in file]
        except FileNotFoundError:
            return []
        return [(kind, int(number), what) for kind, number, what in rows]

    def killed_at(self):
        """The call at which it was killed; "" if it was not."""
        try:
            with open(self.calls, encoding="utf-8", errors="replace") as file:
                last = file.read().rpartition("\nkilled ")[2]
        except FileNotFoundError:
            return ""
        return "" if "\n" in last.strip() else last.strip()

    def kill_coordinator(self):
        """One more kill, -9; with the tracer that it may be below."""
        program = self.programs["coordinator"]
        starts = program.starts
        os.killpg(program.pid, signal.SIGKILL)
        wait_until(lambda: program.starts > starts, 10, "another coordinator is started")

    # -- questions ---------------------------------------------------------------------------------

    def request(self, method, target, body=None):
        """(status, bytes); raises OSError or HTTPException where the coordinator dies meanwhile."""
        api = Api(self.farm.address)
        try:
            api.request(method, target, None if body is None else json.dumps(body))
            answer = api.getresponse()
            return answer.status, answer.read()
        finally:
            api.close()

    def get(self, target, seconds=ANSWER_SECONDS):
        """The answer's bytes, asked again as often as the coordinator is away."""
        end = time.monotonic() + seconds
        problem = "no answer"
        while time.monotonic() < end:
            try:
                status, content = self.request("GET", target)
                if status == 200:
                    return content
                problem = f"{status} {content[:200]!r}"
                if status == 404:
                    break
            except (OSError, http.client.HTTPException) as why:
                problem = str(why)
            time.sleep(0.02)
        raise FarmError(f"GET {target}: {problem}")

    def post(self, target):
        """The answer's bytes; the coordinator must be there."""
        status, content = self.request("POST", target)
        if status >= 300:
            raise FarmError(f"POST {target}: {status} {content[:200]!r}")
        return content

    def ask(self, target):
        return json.loads(self.get(target))

    def finished(self, builds, seconds=120):
        end = time.monotonic() + seconds
        records = []
        for build in builds:
            while True:
                record = self.ask(f"/api/v1/builds/{build}?wait={WAIT_SECONDS}")
                if record["state"] == "finished":
                    break
                if time.monotonic() > end:
                    raise FarmError(f"build {build} is not over after {seconds} s: "
                                    f"{record['state']}, {record['reason']}")
            records.append(record)
        return records

    def log(self, build, step):
        return self.get(f"/api/v1/builds/{build}/steps/{step}/log")

    def artifacts(self, build):
        """{path: content}"""
        listing = self.ask(f"/api/v1/builds/{build}/artifacts")
        if not listing["complete"]:
            raise FarmError(f"artifacts of build {build} are not complete: {listing['problem']}")
        place = f"/api/v1/builds/{build}/artifacts/"
        return {one["path"]: self.get(place + urllib.parse.quote(one["path"]))
                for one in listing["artifacts"]}

    def left_on_hosts(self):
        """Workspaces and keepers that are still there, in words."""
        found = []
        for name in self.names:
            place = f"{self.farm.folder}/hosts/{name}/workspaces"
            found += [f"{name}: workspace {one}" for one in os.listdir(place)
                      if one not in ("sources", "closed")]
            found += [f"{name}: control group {one}"
                      for one in groups_of(f"{self.farm.folder}/hosts/{name}")
                      if "/drover-" in os.path.dirname(one)]
        return found + [f"process {line}" for _, line in self.farm.processes_left()
                        if ("drover-keeper" in line and "--nursery" not in line)
                        or "drover-" not in line]

    def stop(self):
        super().stop()
        for name in self.names:
            remove_groups(f"{self.farm.folder}/hosts/{name}")

    def wait_clean(self, seconds):
        try:
            wait_until(lambda: not self.left_on_hosts(), seconds, "nothing is left")
        except FarmError:
            return self.left_on_hosts()
        return []
