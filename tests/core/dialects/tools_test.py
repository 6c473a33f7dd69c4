"""The counts read from real tools' output are their own: unittest, doctest, pytest, ctest, prove.

SPDX-License-Identifier: Apache-2.0

Usage: tools_test.py PATH/read_tests
"""

import os
import re
import subprocess
import sys
import tempfile
import unittest

READER = None
PYTHON = sys.executable

UNITTEST_SUITE = '''
import sys, unittest
class Plain(unittest.TestCase):
    def test_passes(self): pass
    def test_docs(self):
        """A docstring puts the verdict on the next line"""
    def test_prints(self):
        """It prints before its verdict"""
        print("out of it"); sys.stdout.flush()
    def test_no_line_end(self): print("no line end", end=""); sys.stdout.flush()
    def test_fails(self): self.assertEqual(1, 2, "says (why) ... ok")
    def test_errs(self): raise ValueError("x")
    @unittest.skip("it's \\"odd\\"")
    def test_skips(self): pass
    @unittest.expectedFailure
    def test_known(self): self.fail()
    @unittest.expectedFailure
    def test_wonder(self): pass
class Sub(unittest.TestCase):
    def test_parts(self):
        for i in range(4):
            with self.subTest("part", i=i):
                if i == 1: self.fail("sub")
                if i == 2: raise KeyError(1)
                if i == 3: self.skipTest("sub skip")
    def test_whole(self):
        """With a docstring"""
        with self.subTest(i=1): self.fail("sub")
class Broken(unittest.TestCase):
    @classmethod
    def setUpClass(cls): raise RuntimeError("boom")
    def test_never(self): pass
class Skipped(unittest.TestCase):
    @classmethod
    def setUpClass(cls): raise unittest.SkipTest("class skip")
    def test_never(self): pass
class Torn(unittest.TestCase):
    def tearDown(self): raise RuntimeError("teardown")
    def test_passes(self): pass
    def test_fails(self): self.fail()
'''

DOCTEST_MODULE = '''
"""Module
>>> 1
1
"""
def good(x):
    """
    >>> good(1)
    1
    >>> good(2)
    3
    >>> for i in range(2):
    ...     print(i)
    0
    1
    """
    return x
def raises():
    """
    >>> raises()
    """
    raise ValueError("bad")
def prints_ok():
    """
    >>> print("a"); print("ok")
    a
    ok
    """
def nothing(): pass
'''

PYTEST_SUITE = '''
import sys, pytest
def test_passes(): pass
def test_prints(): print("no line end", end="")
def test_fails(): assert 1 == 2
@pytest.mark.parametrize("text", ["a b", "x::y - z", "PASSED"])
def test_texts(text): assert text != "x::y - z"
@pytest.mark.skip(reason="no (good) reason")
def test_skips(): pass
@pytest.mark.xfail(reason="known")
def test_known(): assert False
@pytest.mark.xfail
def test_wonder(): pass
@pytest.fixture
def broken(): raise RuntimeError("setup")
def test_errs(broken): pass
@pytest.fixture
def torn():
    yield 1
    raise RuntimeError("teardown")
def test_torn(torn): pass
class TestClass:
    def test_method(self): pass
'''

CTEST_SUITE = '''
cmake_minimum_required(VERSION 3.20)
project(suite NONE)
enable_testing()
add_test(NAME passes COMMAND true)
add_test(NAME fails COMMAND sh -c "echo 1..1; echo ok 1 - inner; exit 3")
add_test(NAME crashes COMMAND sh -c "kill -SEGV $$")
add_test(NAME hangs COMMAND sleep 60)
set_tests_properties(hangs PROPERTIES TIMEOUT 1)
add_test(NAME missing COMMAND /no/such/program)
add_test(NAME disabled COMMAND true)
set_tests_properties(disabled PROPERTIES DISABLED ON)
add_test(NAME skips COMMAND sh -c "exit 77")
set_tests_properties(skips PROPERTIES SKIP_RETURN_CODE 77)
add_test(NAME "blanks in ... its name" COMMAND true)
add_test(NAME wonder COMMAND true)
set_tests_properties(wonder PROPERTIES WILL_FAIL ON)
add_test(NAME regex COMMAND echo hi)
set_tests_properties(regex PROPERTIES PASS_REGULAR_EXPRESSION "nope")
'''

TAP_SCRIPT = '''#!/bin/sh
echo 1..6
echo "ok 1 - passes"
echo "not ok 2 - fails"
echo "# it was wet"
echo "not ok 3 - later # todo not written"
echo "ok 4 - printer # SKIP none here"
echo "ok 5 # todo works by now"
echo "    not ok 1 - within"
echo "    1..1"
echo "not ok 6 - parent of what is within"
'''


class Report:
    """What read_tests printed."""

    def __init__(self, text):
        self.counts, self.tests, self.notes, self.summaries = {}, [], [], []
        self.dialect = ""
        for line in text.splitlines():
            fields = line.split("\t")
            if fields[0] == "dialect":
                self.dialect = fields[1]
            elif fields[0] == "count":
                self.counts[fields[1]] = int(fields[2])
            elif fields[0] == "note":
                self.notes.append(fields[1])
            elif fields[0] == "summary":
                self.summaries.append((fields[1], *map(int, fields[2:])))
            elif fields[0] == "test":
                self.tests.append(tuple(fields[1:4]))

    def names(self):
        return sorted(f"{outcome} {suite}/{name}" for outcome, suite, name in self.tests)


def read(log):
    done = subprocess.run([READER], input=log, capture_output=True, check=True)
    return Report(done.stdout.decode())


def read_file(path):
    return Report(subprocess.run([READER, path], capture_output=True, check=True).stdout.decode())


class ToolsTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="drover-tools-test-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def run_tool(self, *command):
        env = dict(os.environ, PYTHONDONTWRITEBYTECODE="1", LC_ALL="C.UTF-8")
        for name in ("PYTEST_ADDOPTS", "CTEST_OUTPUT_ON_FAILURE"):
            env.pop(name, None)
        done = subprocess.run(command, cwd=self.folder, env=env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        return done.stdout

    def check_counts(self, report, **wanted):
        every = dict.fromkeys(("passed", "failed", "error", "skipped", "expected_failure"), 0)
        self.assertEqual(report.counts, {**every, **wanted})

    # -- unittest --

    def unittest_words(self, log):
        """The tool's own last line."""
        text = log.decode()
        found = {word: int(count) for word, count in
                 re.findall(r"([a-z ]+)=(\d+)", text[text.rindex("FAILED ("):])}
        found["ran"] = int(re.findall(r"^Ran (\d+) tests? in", text, re.M)[-1])
        return {word.strip(): count for word, count in found.items()}

    def test_unittest_counts_as_it_says_itself(self):
        self.write("suite.py", UNITTEST_SUITE)
        loud = self.run_tool(PYTHON, "-u", "-m", "unittest", "-v", "suite", "nosuch")
        said = self.unittest_words(loud)
        report = read(loud)
        self.assertEqual(report.dialect, "unittest")
        self.check_counts(report, passed=4,
                          failed=said["failures"] + said["unexpected successes"],
                          error=said["errors"], skipped=said["skipped"],
                          expected_failure=said["expected failures"])
        self.assertEqual(report.notes, [])
        self.assertEqual(report.summaries[0][1], said["ran"])
        for line in ("passed suite.Plain/test_no_line_end", "passed suite.Plain/test_prints",
                     "failed suite.Sub/test_parts [part] (i=1)", "failed suite.Torn/test_fails",
                     "error suite.Torn/test_fails", "error suite.Broken/setUpClass",
                     "failed suite.Plain/test_wonder", "error unittest.loader._FailedTest/nosuch"):
            self.assertIn(line, report.names())

    def test_unittest_without_v_counts_the_same(self):
        self.write("suite.py", UNITTEST_SUITE.replace("print(", "str("))
        loud = read(self.run_tool(PYTHON, "-m", "unittest", "-v", "suite"))
        quiet = read(self.run_tool(PYTHON, "-m", "unittest", "suite"))
        self.assertEqual(quiet.counts, loud.counts)
        self.assertEqual(quiet.notes, ["unittest without -v: passed tests have no names"])
        failures = [line for line in loud.names() if line.startswith(("failed", "error"))]
        self.assertEqual(quiet.names(), failures)

    # -- doctest --

    def test_doctest_counts_as_it_says_itself(self):
        module = self.write("module.py", DOCTEST_MODULE)
        log = self.run_tool(PYTHON, "-m", "doctest", "-v", module)
        passed, failed = map(int, re.search(rb"(\d+) passed and (\d+) failed", log).groups())
        report = read(log)
        self.assertEqual(report.dialect, "doctest")
        self.check_counts(report, passed=passed, failed=failed)
        self.assertEqual(report.notes, [])
        self.assertEqual(report.names(), [
            "failed module.good/good(2)", "failed module.raises/raises()",
            "passed module.good/for i in range(2): ...", "passed module.good/good(1)",
            'passed module.prints_ok/print("a"); print("ok")', "passed module/1"])

    def test_doctest_without_v_tells_failures_only(self):
        module = self.write("module.py", DOCTEST_MODULE)
        log = self.run_tool(PYTHON, "-m", "doctest", module)
        failed = int(re.search(rb"Test Failed\*\*\* (\d+) failures", log)[1])
        report = read(log)
        self.check_counts(report, failed=failed)
        self.assertEqual(report.notes, ["doctest without -v: only failures are told"])

    # -- pytest --

    def pytest_words(self, log):
        last = log.decode().strip().splitlines()[-1]
        said = {word: int(count) for count, word in re.findall(r"(\d+) ([a-z]+)", last)}
        return {"passed": said["passed"] + said["xpassed"], "failed": said["failed"],
                "error": said["errors"], "skipped": said["skipped"],
                "expected_failure": said["xfailed"]}

    def test_pytest_counts_as_it_says_itself(self):
        self.write("test_suite.py", PYTEST_SUITE)
        xml = os.path.join(self.folder, "report.xml")
        reports = {}
        for options in ("-v", "-v -s", "-v -rA", "-rA", "-q", "-q -rA", "", "--color=yes -v"):
            log = self.run_tool(PYTHON, "-m", "pytest", "-p", "no:cacheprovider",
                                f"--junitxml={xml}", *options.split())
            report = reports[options] = read(log)
            with self.subTest(options):
                plain = re.sub(rb"\x1b\[[0-9;]*m", b"", log)
                self.assertEqual(report.dialect, "pytest")
                self.check_counts(report, **self.pytest_words(plain))
                names_all = options.startswith("-v") or options.startswith("--color")
                self.assertEqual(report.notes, [] if names_all else
                                 ["pytest without -v: passed tests have no names"])
        from_file = read_file(xml)
        # A test that passes and can't clean up is one thing in the file and two in the counts.
        in_log = reports["-v"].names()
        in_log.remove("passed test_suite/test_torn")
        self.assertEqual(from_file.names(), in_log)
        self.assertEqual(reports["-v -s"].names(), reports["-v"].names())

    def test_pytest_that_can_not_collect_is_an_error(self):
        self.write("test_broken.py", "import no_such_module\n")
        report = read(self.run_tool(PYTHON, "-m", "pytest", "-v", "-p", "no:cacheprovider"))
        self.check_counts(report, error=1)
        self.assertEqual(report.names(), ["error /test_broken.py"])

    # -- ctest and prove --

    def test_ctest_counts_as_it_says_itself(self):
        self.write("CMakeLists.txt", CTEST_SUITE)
        self.run_tool("cmake", "-S", ".", "-B", "build")
        log = self.run_tool("ctest", "--test-dir", "build", "--output-on-failure", "-j2",
                            "--output-junit", os.path.join(self.folder, "report.xml"))
        failed, ran = map(int, re.search(rb"(\d+) tests failed out of (\d+)", log).groups())
        report = read(log)
        self.assertEqual(report.dialect, "ctest")
        self.assertEqual(report.counts["failed"] + report.counts["error"], failed)
        # ctest takes what skipped itself for passed, and does not count what is disabled.
        self.assertEqual(sum(report.counts.values()), ran + 1)
        self.assertEqual(report.names(), [
            "error /crashes", "error /hangs", "error /missing", "failed /fails", "failed /regex",
            "failed /wonder", "passed /blanks in ... its name", "passed /passes",
            "skipped /disabled", "skipped /skips"])
        self.assertEqual(report.notes,
                         ["results of tap within the output of ctest are not counted"])
        from_file = read_file(os.path.join(self.folder, "report.xml"))
        self.assertEqual({name for _, _, name in from_file.tests},
                         {name for _, _, name in report.tests})
        self.assertEqual(from_file.counts["failed"] + from_file.counts["error"], failed)
        self.assertEqual(from_file.counts["skipped"], report.counts["skipped"])

    def test_tap_counts_as_prove_does(self):
        for name in ("a.t", "b.t"):
            os.chmod(self.write(name, TAP_SCRIPT), 0o755)
        log = self.run_tool("prove", "-v", "./a.t", "./b.t")
        ran = int(re.search(rb"Files=2, Tests=(\d+)", log)[1])
        failed = sum(map(int, re.findall(rb"Tests: \d+ Failed: (\d+)", log)))
        report = read(log)
        self.assertEqual(report.dialect, "tap")
        self.assertEqual(sum(report.counts.values()), ran)
        self.check_counts(report, passed=4, failed=failed, skipped=2, expected_failure=2)
        self.assertEqual(report.notes, [])
        self.assertIn("failed ./b.t/fails", report.names())

    # -- all together --

    def test_tools_one_after_another_all_count(self):
        self.write("suite.py", UNITTEST_SUITE)
        module = self.write("module.py", DOCTEST_MODULE)
        logs = [self.run_tool(PYTHON, "-u", "-m", "unittest", "-v", "suite"),
                self.run_tool(PYTHON, "-m", "doctest", "-v", module)]
        reports = [read(log) for log in logs]
        both = read(b"building...\n".join(logs))
        self.assertEqual(both.dialect, "unittest, doctest")
        self.assertEqual(both.counts, {name: reports[0].counts[name] + reports[1].counts[name]
                                       for name in both.counts})


if __name__ == "__main__":
    READER = os.path.abspath(sys.argv.pop(1))
    unittest.main()
