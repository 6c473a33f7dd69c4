#!/usr/bin/env python3
"""The step cache: what is reused comes back byte by byte, and nothing is reused that differs.

SPDX-License-Identifier: Apache-2.0
"""

import io
import os
import signal
import tarfile

from farm import FarmCase, FarmError, main, wait_until, yaml_text

# Prints and makes what no second run could make again, and says that it ran.
TUNE = """
echo "ran on $DROVER_HOST" >> FOLDER/tune.witness
head -c 300 /dev/urandom; echo
mkdir -p build/sub build/empty
cat src/data > build/result; head -c 100000 /dev/urandom >> build/result
echo '#!/bin/sh' > build/sub/tool; chmod 751 build/sub/tool
echo secret > build/sub/locked; chmod 440 build/sub/locked; chmod 555 build/sub
ln -s sub/tool build/link
echo made > "$DROVER_OUT/made.txt"
rm -f build/stale
"""
LOOK = """
cd build; find . -printf '%P %y %m %l\\n' | sort
sha256sum result sub/tool sub/locked
sub/tool && echo 'runs'
[ build/result -nt src/data ] || [ result -nt ../src/data ] && echo newer
[ -O result ] && echo own
"""
CONFIG = """
farm: cached
hosts:
  h1: {}
  h2: {labels: {cpu_model: "Another CPU"}}
builders:
  lib:
    params: {FLAVOUR: plain}
    steps:
      - {name: before, run: "mkdir -p build; date +%s%N > build/stale; date +%s%N > unseen"}
      - name: tune
        run: TUNE
        cache: {inputs: ["src/**"], facts: [cpu_model], outputs: ["build/**"]}
      - {name: look, run: LOOK}
    artifacts: ["build/result"]
  whole:
    steps:
      - name: check
        run: "echo ran >> FOLDER/whole.witness; cat src/data; date +%s%N"
        cache: {outputs: []}
      - {name: fails, run: "exit 3", cache: {outputs: []}, warn_only: true}
  large:
    steps:
      - name: make
        run: |
          echo ran >> FOLDER/large.witness
          head -c 60000000 /dev/urandom > big; sha256sum big
          touch FOLDER/large.made
        cache: {inputs: [src/data], outputs: [big]}
      - {name: look, run: "sha256sum big"}
"""


def source(text):
    """A tarball with a file src/data."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in (("lib-1/src/data", text), ("lib-1/README", "read me\n")):
            info = tarfile.TarInfo(name)
            info.size, info.mode, info.mtime = len(content), 0o644, 1_600_000_000
            archive.addfile(info, io.BytesIO(content.encode()))
    return out.getvalue()


class Cache(FarmCase):
    config = (CONFIG.replace("TUNE", yaml_text(TUNE)).replace("LOOK", yaml_text(LOOK)))
    hosts = 2

    def lines(self, name):
        try:
            with open(self.path(name), encoding="utf-8") as file:
                return file.read().splitlines()
        except FileNotFoundError:
            return []

    def run_build(self, builder, content="one\n", host="h1", *more):
        path = self.write("lib-1.tar.gz", source(content))
        build = self.submit(builder, "--source", path, "--host", host, *more)
        record = self.finished(build)
        self.assertIn(record["result"], ("success", "warnings"), record["reason"])
        return record

    @staticmethod
    def attempt(record, step):
        return next(one for one in record["steps"] if one["name"] == step)["attempts"][-1]

    def log(self, record, step):
        return self.farm.log(str(record["id"]), step)

    def test_a_hit_brings_back_log_and_outputs_as_they_were(self):
        first = self.run_build("lib")
        ran = self.attempt(first, "tune")
        self.assertIsNone(ran["reused_from"])
        self.assertIn("no result of this step is kept", ran["cache_note"])
        second = self.run_build("lib")
        reused = self.attempt(second, "tune")
        self.assertEqual(reused["reused_from"], first["id"])
        self.assertRegex(reused["cache_note"],
                         rf"^from build {first['id']} on h1, 2.* UTC, saved ")
        self.assertEqual(len(self.lines("tune.witness")), 1)
        self.assertEqual(self.log(first, "tune"), self.log(second, "tune"))
        looked = self.log(second, "look")
        self.assertEqual(self.log(first, "look"), looked)
        for proof in (b"sub/tool f 751", b"sub d 555", b"sub/locked f 440", b"link l 777 sub/tool",
                      b"empty d", b"runs\n", b"newer\n", b"own\n"):
            self.assertIn(proof, looked)
        self.assertNotIn(b"stale", looked)
        self.farm.text("get", str(second["id"]), "made.txt", "-o", self.path("got"))
        self.assertEqual(self.lines("got"), ["made"])

        self.assertIn(f"reused from build {first['id']} on h1",
                      " ".join(self.farm.text("build", str(second["id"])).split()))
        self.assertIn("reused from build", self.farm.text("why", str(second["id"])))
        self.assertIn("ran because no result of this step is kept",
                      self.farm.text("why", str(first["id"])))
        kinds = [event["kind"] for event in self.farm.ask("events")["events"]
                 if event["build"] == second["id"] and event["step"] == "tune"]
        self.assertEqual(kinds, ["step_started", "step_reused", "step_finished"])
        kept = self.farm.ask("admin", "cache", "list")
        self.assertEqual([(one["step"], one["uses"]) for one in kept["entries"]], [("tune", 1)])
        self.assertIn("all good", self.farm.text("admin", "verify"))

    def test_what_differs_is_run_and_said(self):
        self.run_build("lib")
        note = lambda record: self.attempt(record, "tune")["cache_note"]  # noqa: E731
        self.assertIn("input src/** changed (1 file)", note(self.run_build("lib", "two\n")))
        self.assertIn("variable FLAVOUR changed",
                      note(self.run_build("lib", "one\n", "h1", "--param", "FLAVOUR=rich")))
        other = note(self.run_build("lib", "one\n", "h2"))
        self.assertIn("ran because cpu_model is 'Another CPU', the kept result is for '", other)
        self.assertEqual(len(self.lines("tune.witness")), 4)
        again = self.attempt(self.run_build("lib", "one\n", "h2"), "tune")
        self.assertTrue(again["reused_from"])
        self.assertIn("on h2", again["cache_note"])
        # A changed command: the old result stays for who still has the old one.
        with open(self.farm.folder + "/farm.yaml", encoding="utf-8") as file:
            text = file.read()
        with open(self.farm.folder + "/farm.yaml", "w", encoding="utf-8") as file:
            file.write(text.replace("ran on $DROVER_HOST", "ran there on $DROVER_HOST"))
        self.farm.text("admin", "reload")
        self.assertIn("ran because its command changed", note(self.run_build("lib")))
        self.assertEqual(len(self.lines("tune.witness")), 5)

    def test_the_whole_workspace_counts_and_only_what_ran_well_is_kept(self):
        first = self.run_build("whole")
        second = self.run_build("whole")
        self.assertEqual(self.attempt(second, "check")["reused_from"], first["id"])
        self.assertEqual(self.log(first, "check"), self.log(second, "check"))
        self.assertIsNone(self.attempt(second, "fails")["reused_from"])
        self.assertEqual(self.attempt(second, "fails")["exit_code"], 3)
        third = self.run_build("whole", "other\n")
        self.assertIn("the workspace changed (2 files)", self.attempt(third, "check")["cache_note"])
        self.farm.text("admin", "cache", "drop", "--all")
        fourth = self.run_build("whole")
        self.assertIn("no result of this step is kept", self.attempt(fourth, "check")["cache_note"])
        self.assertEqual(len(self.lines("whole.witness")), 3)
        self.assertIn("begins with",
                      self.refused("admin", "cache", "drop", "feed", codes=(1, 2, 4)))

    def test_kept_content_is_no_garbage(self):
        first = self.run_build("whole")
        self.farm.text("admin", "gc", "--older-than", "1d")
        second = self.run_build("whole")
        self.assertEqual(self.attempt(second, "check")["reused_from"], first["id"])

    def strike(self, content, delay, program):
        """Builds `large` and kills `program` so long after the step has made its result."""
        if os.path.exists(self.path("large.made")):
            os.unlink(self.path("large.made"))
        path = self.write("lib-1.tar.gz", source(content))
        build = self.submit("large", "--source", path, "--host", "h1")
        wait_until(lambda: os.path.exists(self.path("large.made")), 60, "the result is made")
        wait_until(lambda: delay.pop() if len(delay) > 1 else True, 5, "the moment comes")
        os.kill(self.farm.pid(program), signal.SIGKILL)

        def look():
            try:
                record = self.build(build)
            except FarmError:
                return None  # the coordinator is on its way back
            return record if record["state"] == "finished" else None
        record = wait_until(look, 120, f"build {build} is finished")
        self.assertEqual(record["result"], "success", record["reason"])
        return record

    def test_deaths_while_a_result_is_handed_over_cost_nothing(self):
        for number, (program, waits) in enumerate(
                [("coordinator", 0), ("coordinator", 4), ("coordinator", 8), ("h1", 2), ("h1", 6)]):
            content = f"round {number}\n"
            first = self.strike(content, [None] * (waits + 1), program)
            second = self.run_build("large", content)
            reused = self.attempt(second, "make")
            self.assertEqual(reused["reused_from"], first["id"], reused["cache_note"])
            self.assertEqual(self.log(first, "make"), self.log(second, "make"))
            self.assertEqual(self.log(second, "look"), self.log(second, "make"))
            self.assertEqual(len(self.lines("large.witness")), number + 1)


if __name__ == "__main__":
    main(at_once=2)
