#!/usr/bin/env python3
"""What tests said, read on a real farm: from logs, from report files, against the build before.

SPDX-License-Identifier: Apache-2.0
"""

from farm import FarmCase, main, yaml_text

UNITTEST = """
cat > test_x.py <<END
import unittest
class T(unittest.TestCase):
    def test_ok(self): pass
    def test_bad(self): self.assertEqual(1, $RIGHT, 'numbers differ')
    @unittest.skip('not here')
    def test_skip(self): pass
    def test_other(self): self.assertTrue($OTHER)
END
/usr/bin/python3 -m unittest -v test_x
"""

REPORT = """
mkdir -p reports
cat > reports/a.xml <<END
<testsuite name="s" tests="2" failures="1">
  <testcase classname="s" name="one" time="0.5"/>
  <testcase classname="s" name="two"><failure message="no">why not</failure></testcase>
</testsuite>
END
printf '<!DOCTYPE x [<!ENTITY a "b">]><testsuite/>' > reports/b.xml
"""


class Tests(FarmCase):
    config = f"""
farm: tests
builders:
  unit:
    params: {{RIGHT: "1", OTHER: "True"}}
    steps: [{{name: unit, run: {yaml_text(UNITTEST)}, tests: auto}}]
  report:
    steps: [{{name: make, run: {yaml_text(REPORT)}, tests: ["reports/*.xml"]}}]
  none:
    steps: [{{name: nothing, run: "true"}}]
"""

    def run_build(self, *words):
        build = self.submit(*words)
        self.finished(build)
        return build, self.farm.ask("tests", build)

    def test_counts_are_the_tools_own_and_changes_are_told(self):
        _, first = self.run_build("unit", "--param", "RIGHT=2")
        self.assertEqual(first["counts"], {"passed": 2, "failed": 1, "error": 0, "skipped": 1,
                                           "expected_failure": 0})
        self.assertEqual([test["name"] for test in first["new_failures"]], ["test_bad"])
        second, now = self.run_build("unit", "--param", "RIGHT=2", "--param", "OTHER=False")
        self.assertEqual([test["name"] for test in now["new_failures"]], ["test_other"])
        self.assertEqual([test["name"] for test in now["still_failing"]], ["test_bad"])
        _, good = self.run_build("unit")
        self.assertEqual([test["name"] for test in good["fixed"]], ["test_bad", "test_other"])
        self.assertEqual(good["new_failures"], [])
        self.assertIn("AssertionError: 1 != 2 : numbers differ",
                      self.farm.text("tests", second))

    def test_one_test_is_told_over_many_builds(self):
        builds = [self.run_build("unit", *words)[0] for words in (
            (), ("--param", "RIGHT=2"), ("--param", "RIGHT=2", "--param", "OTHER=False"))]
        story = self.farm.ask("tests", "--history", "test_bad", "--builder", "unit")
        self.assertEqual([(str(run["build"]), run["outcome"]) for run in story["runs"]],
                         [(builds[2], "failed"), (builds[1], "failed"), (builds[0], "passed")])
        self.assertEqual(str(story["failing_since"]), builds[1])
        self.assertEqual((story["sources_repeated"], story["sources_flaky"]), (1, 1))
        self.assertIsNone(story["next"])
        page = self.farm.ask("tests", "--history", "test_bad", "--limit", "1")
        self.assertEqual(len(page["runs"]), 1)
        older = self.farm.ask("tests", "--history", "test_bad", "--before", str(page["next"]))
        self.assertEqual(str(older["runs"][0]["build"]), builds[1])
        shown = self.farm.text("tests", "--history", "test_bad")
        self.assertIn(f"it fails since build {builds[1]}", shown)
        self.assertIn("flaky: it both passed and failed on 1 of 1 source", shown)
        self.assertEqual(self.farm.ask("tests", "--history", "no_such_test")["runs"], [])
        self.refused("tests", builds[0], "--history", "test_bad")

    def test_report_files_are_read_and_hostile_ones_refused(self):
        build, seen = self.run_build("report")
        self.assertEqual(seen["counts"]["passed"], 1)
        self.assertEqual(seen["counts"]["failed"], 1)
        self.assertTrue(any("b.xml" in note for note in seen["notes"]), seen["notes"])
        paths = [file["path"] for file in self.farm.ask("artifacts", build)["artifacts"]]
        self.assertIn("reports/a.xml", paths)

    def test_a_build_without_tests_says_so(self):
        build, seen = self.run_build("none")
        self.assertEqual(seen["tests"], [])
        self.assertFalse(seen["configured"])
        self.assertIn("no tests", self.farm.text("tests", build))


if __name__ == "__main__":
    main()
