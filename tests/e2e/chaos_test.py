#!/usr/bin/env python3
"""Random kill -9 of coordinator and hosts while builds run: nothing is lost, nothing runs twice.

SPDX-License-Identifier: Apache-2.0

DROVER_CHAOS_SEED and DROVER_CHAOS_KILLS choose another run; the seed is printed.
"""

import collections
import os
import random
import signal

from farm import FarmCase, agent_of, main, wait_until, yaml_text

BUILDS = 24
KILLS = int(os.environ.get("DROVER_CHAOS_KILLS", "40"))
SEED = int(os.environ.get("DROVER_CHAOS_SEED", "20261122"))
LINES = 60

# Each line is a little work, so that kills come in the middle of logs and between steps.
STEP = """
echo "start $DROVER_BUILD_ID $DROVER_STEP $DROVER_ATTEMPT" >> FOLDER/witness
i=0
while [ $i -lt LINES ]; do
  i=$((i + 1))
  echo "build $DROVER_BUILD_ID step $DROVER_STEP line $i"
  sleep 0.01
done
echo "end $DROVER_BUILD_ID $DROVER_STEP $DROVER_ATTEMPT" >> FOLDER/witness
"""

CONFIG = """
farm: chaos
builders:
  work:
    steps:
      - {name: one, run: SCRIPT}
      - {name: two, run: SCRIPT}
      - {name: three, run: SCRIPT}
"""


class Chaos(FarmCase):
    hosts = 3
    slots = 2

    def setUp(self):
        script = yaml_text(STEP.replace("LINES", str(LINES)))
        self.config = CONFIG.replace("SCRIPT", script)
        super().setUp()

    def seen(self):
        try:
            with open(self.path("witness"), encoding="ascii") as file:
                return [tuple(line.split()) for line in file]
        except FileNotFoundError:
            return []

    def strike(self, chance):
        """One kill; returns its victim's name once that runs again."""
        name = chance.choice(["coordinator", "h1", "h2", "h3", "agent of h1", "agent of h2"])
        program = name.removeprefix("agent of ")
        parent = wait_until(lambda: self.farm.pid(program), 30, f"{program} runs")
        if name == program:
            os.kill(parent, signal.SIGKILL)
            wait_until(lambda: self.farm.pid(program) not in (None, parent), 30, f"a new {name}")
            return name
        agent = wait_until(lambda: agent_of(parent), 30, name)
        os.kill(agent, signal.SIGKILL)
        wait_until(lambda: agent_of(parent) not in (None, agent), 30, f"a new {name}")
        return name

    def test_random_kills_lose_nothing_and_run_nothing_twice(self):
        print(f"seed {SEED}, {KILLS} kills", flush=True)
        chance = random.Random(SEED)
        builds = [self.submit("work") for _ in range(BUILDS)]
        struck = collections.Counter()
        for _ in range(KILLS):
            before = len(self.seen())
            if before >= BUILDS * 6:
                break
            struck[self.strike(chance)] += 1
            # A kill counts only if the farm works in between.
            wait_until(lambda: len(self.seen()) >= min(before + 2, BUILDS * 6), 60, "work goes on")
        print("killed: " + ", ".join(f"{name} {n}" for name, n in sorted(struck.items())))
        self.assertGreaterEqual(sum(struck.values()), min(KILLS, BUILDS))
        hedges = set()
        for build in builds:
            hedges |= self.check(build)
        # Second attempts beside a host that took long to come back are counted apart.
        runs = collections.Counter(row[:3] for row in self.seen() if row[1:4] not in hedges)
        self.assertEqual(len([run for run in runs if run[0] == "start"]), BUILDS * 3)
        self.assertEqual(set(runs.values()), {1}, "a step ran more than once")

    def check(self, build):
        def look():
            done = self.farm.run("build", build, "--json")
            return done.returncode in (0, 1) and self.build(build)["state"] == "finished"
        wait_until(look, 120, f"build {build} is finished")
        record = self.build(build)
        self.assertEqual(record["result"], "success", record["reason"])
        hedges = set()
        for step in record["steps"]:
            hedges |= {(str(build), step["name"], str(one["number"]))
                       for one in step["attempts"] if one["hedge"]}
            self.assertEqual(len([one for one in step["attempts"] if not one["hedge"]]), 1, step)
            wanted = "".join(f"build {build} step {step['name']} line {i}\n"
                             for i in range(1, LINES + 1))
            self.assertEqual(self.farm.log(build, step["name"]).decode(), wanted)
        return hedges


if __name__ == "__main__":
    main()
