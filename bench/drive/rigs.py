"""Farms that are hurt while they are measured: hosts die whole or freeze, a coordinator is killed.

SPDX-License-Identifier: Apache-2.0
"""

import http.client
import os
import signal
import sys
import time

from .farms import TOP, Api
from .programs import BenchError

sys.path.insert(0, os.path.join(TOP, "tools", "faults.d"))

from host_groups import remove_groups  # noqa: E402
from rig import Rig  # noqa: E402

ANSWER_SECONDS = 60


class HurtFarm(Rig):
    """The farm of tools/faults, asked over HTTP; ends with its `with`."""

    def __init__(self, context, name, **options):
        super().__init__(context.programs, context.folder(name), **options)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        for name in self.names:
            remove_groups(f"{self.farm.folder}/hosts/{name}")

    def machine(self, name):
        """All processes of a host; h1 is not the beginning of h10."""
        own = f"{self.farm.folder}/hosts/{name}"
        return [pid for pid, line in self.farm.processes_left()
                if own + "/" in line or f"{own} " in line or self.works_in(pid, own)]

    def power_off(self, name):
        """All of the host dies at once; what it is starting at that moment, too."""
        super().power_off(name)
        while pids := self.machine(name):
            for pid in pids:
                send(pid, signal.SIGKILL)

    def freeze(self, name):
        """All of the host stands still, as behind a network that swallows everything."""
        pids = self.machine(name)
        for pid in pids:
            send(pid, signal.SIGSTOP)
        return pids

    def ask(self, method, target, body=None, seconds=ANSWER_SECONDS):
        """The answer, asked again as long as the coordinator is away: not for what must not be
        done twice."""
        end = time.monotonic() + seconds
        while True:
            api = Api(self.farm.address)
            try:
                return api.ask(method, target, body)
            except (OSError, http.client.HTTPException) as why:
                if time.monotonic() > end:
                    raise BenchError(f"{method} {target}: {why}") from None
            finally:
                api.close()
            time.sleep(0.01)

    def submit_all(self, orders):
        """[build], ordered at once; the farm must be there."""
        answer = self.ask("POST", "/api/v1/builds",
                          {"orders": [{"builder": builder} for builder in orders]})
        return [int(one) for one in answer["builds"]]

    def record(self, build, wait=0):
        return self.ask("GET", f"/api/v1/builds/{build}?wait={wait}")

    def wait_over(self, build, seconds):
        """The build, once it is finished."""
        end = time.monotonic() + seconds
        while (record := self.record(build, wait=5))["state"] != "finished":
            if time.monotonic() > end:
                raise BenchError(f"build {build} is not over after {seconds} s: "
                                 f"{record['reason']}")
        return record


def send(pid, what):
    """A signal; a process that is gone meanwhile needs none."""
    try:
        os.kill(pid, what)
    except ProcessLookupError:
        pass
