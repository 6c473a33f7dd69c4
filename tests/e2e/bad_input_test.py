#!/usr/bin/env python3
"""Bad input gets one clear line at the right place, changes nothing, and the farm goes on.

SPDX-License-Identifier: Apache-2.0
"""

import io
import os
import re
import subprocess
import tarfile

from farm import Farm, FarmCase, main

CONFIG = """
farm: strict
builders:
  good:
    steps:
      - {name: look, run: "ls -la; test ! -e wanted || cat wanted"}
"""

WRONG_CONFIG = """farm: wrong
hosts:
  "../h": {slots: 2}
builders:
  check:
    on: somewhere
    steps:
      - {name: one, run: "true", timeout: soon}
      - {name: "two\\nlines", run: "true"}
surprise: 1
"""


def tarball(entries):
    """A .tar.gz of {name: content}."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in entries.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return packed.getvalue()


class BadInput(FarmCase):
    config = CONFIG

    def setUp(self):
        super().setUp()
        self.programs = [self.farm.pid("coordinator"), self.farm.pid("h1")]

    def check_farm_goes_on(self):
        done = self.farm.run("submit", "good", "--wait")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([self.farm.pid("coordinator"), self.farm.pid("h1")], self.programs)

    def drover(self, *words):
        return subprocess.run([os.path.join(self.farm.programs, "drover"), *words], check=False,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)

    def test_a_wrong_config_is_refused_with_every_place(self):
        path = self.write("wrong.yaml", WRONG_CONFIG)
        other = os.path.join(self.folder, "other")
        for words in (("check", path), ("up", "--dir", other, "--config", path)):
            done = self.drover(*words)
            self.assertEqual(done.returncode, 2, done)
            said = done.stdout + done.stderr
            places = re.findall(r"^.*wrong\.yaml:(\d+):(\d+): \S", said, re.M)
            lines = {int(line) for line, _ in places}
            self.assertLessEqual({3, 6, 8, 9, 10}, lines, said)
        self.assertFalse(os.path.exists(os.path.join(other, "farm.yaml")))

    def test_yaml_that_is_none_is_refused_with_its_place(self):
        path = self.write("broken.yaml", "farm: x\nbuilders: {a: [\n")
        done = self.drover("check", path)
        self.assertEqual(done.returncode, 2, done)
        self.assertRegex(done.stdout + done.stderr, r"broken\.yaml:\d+:\d+: \S")
        done = self.drover("check", self.path("no-such.yaml"))
        self.assertEqual(done.returncode, 2, done)
        self.assertIn("no-such.yaml", done.stdout + done.stderr)

    def test_a_second_up_on_one_folder_is_refused(self):
        done = self.drover("up", "--dir", self.farm.folder)
        self.assertEqual(done.returncode, 4, done)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertIn(str(self.farm.process.pid), done.stderr)
        self.check_farm_goes_on()

    def test_unknown_and_impossible_names_are_refused_in_one_line(self):
        self.assertIn("nonesuch", self.refused("submit", "nonesuch"))
        for name in ("../good", "a\nb", "\x1b[31mred", "x" * 200):
            self.refused("submit", name)
        self.refused("submit", "good", "--host", "../h1")
        for words in (("build", "999"), ("build", "../1"), ("log", "1\n2"), ("campaign", "c99"),
                      ("why", "999"), ("cancel", "999")):
            self.refused(*words, codes=(1, 2, 4))
        self.check_farm_goes_on()

    def test_a_missing_tarball_is_refused(self):
        self.assertIn("none.tar.gz", self.refused("submit", "good", "--source",
                                                  self.path("none.tar.gz")))
        self.check_farm_goes_on()

    def failed_source(self, name, content):
        """The reason of a build whose source can't be unpacked."""
        path = self.write(name, content)
        build = self.submit("good", "--source", path)
        record = self.finished(build)
        self.assertIn(record["result"], ("failure", "exception"), record)
        reason = record["reason"]
        self.assertTrue(reason)
        self.assertNotIn("\n", reason)
        self.assertIn(reason.split(": ", 1)[1], self.farm.text("why", build, codes=(0, 1)))
        return reason

    def test_a_broken_tarball_fails_its_build_with_a_reason(self):
        whole = tarball({"pkg/wanted": os.urandom(100_000)})
        self.failed_source("cut.tar.gz", whole[:len(whole) // 2])
        self.check_farm_goes_on()

    def test_a_tarball_can_not_write_outside_its_workspace(self):
        self.failed_source("climb.tar.gz", tarball({"pkg/wanted": b"x", "../../climbed": b"evil"}))
        found = [name for _, _, names in os.walk(self.folder) for name in names
                 if name == "climbed"]
        self.assertEqual(found, [])
        self.check_farm_goes_on()

    def test_a_good_tarball_is_unpacked_without_its_top_folder(self):
        path = self.write("pkg-1.0.tar.gz", tarball({"pkg-1.0/wanted": b"here it is\n"}))
        build = self.submit("good", "--source", path)
        self.assertEqual(self.finished(build)["result"], "success")
        self.assertIn(b"here it is", self.farm.log(build, "look"))


class NoFarm(FarmCase):
    config = CONFIG

    def setUp(self):  # no farm is started
        import tempfile
        self.folder = tempfile.mkdtemp(prefix="drover-e2e-")
        from farm import PROGRAMS
        self.farm = Farm(PROGRAMS, os.path.join(self.folder, "farm"))
        self.addCleanup(self.clean)

    def test_a_farm_that_is_not_there_is_exit_code_3(self):
        for words in (("hosts",), ("builds",), ("submit", "good")):
            self.refused(*words, codes=(3,))

    def test_a_folder_whose_socket_path_is_too_long_is_refused(self):
        done = subprocess.run([os.path.join(self.farm.programs, "drover"), "up", "--dir",
                               self.path("x" * 120)], check=False, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 2, done)
        self.assertIn("too long", done.stderr)


if __name__ == "__main__":
    main()
