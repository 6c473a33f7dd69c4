// SPDX-License-Identifier: Apache-2.0
#include "nodes/junit_xml.hpp"
#include "tests/core/dialects/samples.hpp"

using namespace drover;
using namespace drover::test;

TEST_CASE("dialects: unittest of Python 2.7, with docstrings and output in between") {
  auto report = read_log(sample("unittest-python2.7.txt"));
  CHECK(report.dialect == "unittest");
  CHECK(lines_of(report)
        == lines{"passed calc.tests.test_ops.OpsTest/test_add",
                 "error calc.tests.test_ops.OpsTest/test_broken",
                 "failed calc.tests.test_ops.OpsTest/test_div",
                 "skipped calc.tests.test_ops.OpsTest/test_later",
                 "expected_failure calc.tests.test_ops.OpsTest/test_known",
                 "failed calc.tests.test_ops.OpsTest/test_wonder",
                 "passed calc.tests.test_ops.OpsTest/test_noise",
                 "passed calc.tests.test_ops.OpsTest/test_tail"});
  CHECK(report.notes.empty());
  CHECK(report.tests[2].message.find("AssertionError: 1 != 2") != std::string::npos);
  CHECK(report.tests[3].message == "needs a printer");
  REQUIRE(report.summaries.size() == 1);
  CHECK(report.summaries[0] == tool_summary{"unittest", 8, 2, 1, 1});
}

TEST_CASE("dialects: failed subtests of Python 3.8 are in the list of failures alone") {
  auto report = read_log(sample("unittest-python3.8-subtests.txt"));
  CHECK(lines_of(report)
        == lines{"passed numbers_test.EvenTest/test_odd", "passed numbers_test.EvenTest/test_zero",
                 "error numbers_test.BrokenTest/setUpClass",
                 "failed numbers_test.EvenTest/test_even (i=1)",
                 "failed numbers_test.EvenTest/test_even (i=3)"});
  CHECK(counts_of(report) == counts{2, 2, 1, 1, 0});
  CHECK(report.notes.empty());
}

TEST_CASE("dialects: unittest without -v, whose failed subtests have no letters up to 3.10") {
  auto report = read_log(sample("unittest-python3.8-quiet.txt"));
  CHECK(counts_of(report) == counts{2, 2, 0, 0, 0});
  CHECK(lines_of(report)
        == lines{"failed suite.Sub/test_b (i=1)", "failed suite.Sub/test_b (i=2)"});
  CHECK(report.only_failures_named);
}

TEST_CASE("dialects: the test in which unittest died is an error") {
  auto report = read_log(sample("unittest-killed.txt"));
  CHECK(lines_of(report)
        == lines{"passed jobs_test.JobsTest/test_first", "error jobs_test.JobsTest/test_segv"});
  CHECK(report.notes == lines{"unittest did not come to its end"});
  CHECK(report.summaries.empty());
}

TEST_CASE("dialects: a summary that does not fit the results is noted") {
  auto report = read_log("test_a (m.T) ... ok\n\nRan 12 tests in 0.1s\n\nOK\n");
  CHECK(counts_of(report) == counts{1, 0, 0, 0, 0});
  REQUIRE(report.notes.size() == 1);
  CHECK(report.notes[0] == "unittest says OK of 12 tests, 1 were seen, 0 of them failed");
}

TEST_CASE("dialects: sage -t of today counts files, and says how many doctests they had") {
  auto report = read_log(sample("sage-new.txt"));
  CHECK(report.dialect == "sage");
  CHECK(lines_of(report)
        == lines{"error /src/sage/libs/segv.pyx", "expected_failure /src/sage/misc/known.py",
                 "failed /src/sage/misc/latex.py", "error /src/sage/misc/slow.py",
                 "passed /src/sage/rings/integer.pyx"});
  CHECK(report.tests[0].message == "Killed due to segmentation fault");
  CHECK(report.tests[2].message
        == "1 doctest failed\nline 42: latex(x)\nExpected:\n    x\nGot:\n    y");
  CHECK(report.tests[4].seconds == 12.31);
  CHECK(report.notes.front() == "sage -t: results are of files; 1356 doctests, 3 failed");
  REQUIRE(report.summaries.size() == 1);
  CHECK(report.summaries[0] == tool_summary{"sage", 1356, 3, 0, 0});
}

TEST_CASE("dialects: sage -t of 2010") {
  auto report = read_log(sample("sage-2010.txt"));
  CHECK(report.dialect == "sage");
  CHECK(lines_of(report)
        == lines{"passed /devel/sage/sage/calculus/calculus.py",
                 "failed /devel/sage/sage/calculus/desolvers.py",
                 "error /devel/sage/sage/calculus/slow.py"});
  CHECK(report.tests[1].message.find("line 102: sage: desolve(de, y)") != std::string::npos);
}

TEST_CASE("dialects: TAP 14 with a YAML block, subtests and directives") {
  auto report = read_log(sample("tap14.txt"));
  CHECK(report.dialect == "tap");
  CHECK(lines_of(report)
        == lines{"passed /opens", "failed /closes", "failed /within", "expected_failure /later",
                 "skipped /printer", "passed /surprise", "passed /a \\# in its name"});
  CHECK(report.tests[1].message.find("message: 'it stays open'") != std::string::npos);
  CHECK(report.tests[4].message == "no printer here");
  CHECK(report.notes.empty());
}

TEST_CASE("dialects: TAP's directives are read in any case") {
  auto report = read_log("1..3\nnot ok 1 - a # TO"
                         "DO why\nok 2 - b # Skipped: none\n"
                         "ok 3 - c # time=250ms\n");
  CHECK(lines_of(report) == lines{"expected_failure /a", "skipped /b", "passed /c"});
  CHECK(report.tests[2].seconds == 0.25);
  CHECK(report.tests[0].message == "why");
  CHECK(report.tests[1].message == "none");
}

TEST_CASE("dialects: TAP that bails out says so, and what was planned") {
  auto report = read_log(sample("tap-bail.txt"));
  CHECK(counts_of(report) == counts{1, 0, 0, 0, 0});
  CHECK(report.notes
        == lines{"Bail out! the database is gone", "TAP: 1..5 was planned, 1 tests were seen"});
}

TEST_CASE("dialects: TAP with its plan at the end, and one script after another") {
  auto report = read_log("ok 1 - a\nnot ok 2 - b\n1..2\nok 1 - c\n1..1\n1..0 # SKIP no display\n");
  CHECK(lines_of(report) == lines{"passed /a", "failed /b", "passed /c"});
  CHECK(report.notes == lines{"TAP: nothing was run: SKIP no display"});
}

TEST_CASE("dialects: cargo test") {
  auto report = read_log(sample("cargo.txt"));
  CHECK(report.dialect == "cargo");
  CHECK(lines_of(report)
        == lines{"passed tests/buys", "skipped tests/later", "failed tests/sells",
                 "passed tests/panics - should panic"});
  CHECK(report.tests[2].message.find("left == right") != std::string::npos);
  CHECK(report.notes.empty());
}

TEST_CASE("dialects: gtest in its output and in its XML says the same") {
  auto report = read_log(sample("gtest.txt"));
  CHECK(report.dialect == "gtest");
  CHECK(lines_of(report)
        == lines{"passed S/pass", "failed S/fail", "skipped S/skip", "skipped S/DISABLED_x",
                 "passed I/P/odd/0", "failed I/P/odd/1"});
  CHECK(report.tests[1].message.find("Expected equality") != std::string::npos);
  CHECK(report.notes.empty());
  auto xml = read_junit_xml("gtest.xml", sample("gtest.xml"));
  REQUIRE(xml);
  CHECK(lines_of(*xml) == lines_of(report));
  CHECK(xml->notes.empty());
}

TEST_CASE("dialects: make check of Automake") {
  auto report = read_log(sample("automake.txt"));
  CHECK(report.dialect == "automake");
  CHECK(lines_of(report)
        == lines{"passed /t-add", "failed /t-div", "expected_failure /t-known", "failed /t-wonder",
                 "skipped /t-printer", "error /t-broken"});
  CHECK(report.notes.empty());
}

TEST_CASE("dialects: several tools in one log all count, in the order of the log") {
  std::string log = "make check\n" + sample("unittest-python2.7.txt") + "cd ../doc\n"
                    + sample("cargo.txt") + sample("automake.txt") + sample("tap14.txt")
                    + sample("unittest-python3.8-subtests.txt");
  auto report = read_log(log);
  CHECK(report.dialect == "unittest, cargo, automake, tap");
  CHECK(report.counts.total() == 8 + 4 + 6 + 7 + 6);
  CHECK(report.summaries.size() == 5);
  CHECK(report.notes.empty());
}

TEST_CASE("dialects: what a test of ctest prints is not counted beside it") {
  auto report = read_log("Test project /b\n    Start 1: a\n"
                         "1/2 Test #1: a ....***Failed    0.01 sec\n"
                         "test_x (m.T.test_x) ... ok\n\nRan 1 test in 0.0s\n\nOK\n"
                         "    Start 2: b\n2/2 Test #2: b ....   Passed    0.02 sec\n\n"
                         "50% tests passed, 1 tests failed out of 2\n"
                         "Total Test time (real) =   0.03 sec\n"
                         "test_y (m.T.test_y) ... ok\n\nRan 1 test in 0.0s\n\nOK\n");
  CHECK(report.dialect == "ctest, unittest");
  CHECK(lines_of(report) == lines{"failed /a", "passed /b", "passed m.T/test_y"});
  CHECK(report.notes == lines{"results of unittest within the output of ctest are not counted"});
}

TEST_CASE("dialects: colours, carriage returns and control characters do not hide results") {
  auto report = read_log("\x1b[1mtest_a (m.T.test_a)\x1b[0m ... \x1b[32mok\x1b[0m\r\n"
                         "\x1b]0;title\x07test_b (m.T.test_b) ... \x01ok\r\n"
                         "\r\nRan 2 tests in 0.1s\r\n\r\nOK\r\n");
  CHECK(lines_of(report) == lines{"passed m.T/test_a", "passed m.T/test_b"});
  CHECK(report.notes.empty());
}

TEST_CASE("dialects: ordinary output has no tests") {
  for (std::string_view text :
       {"", "\n", "ok\n", "ok 1 - somebody said\n", "1..5\n", "FAIL: maybe\nPASS: maybe\n",
        "checking for gcc (GNU) ... ok\n", "Trying:\n", "====\nFAIL: x\n", "building foo.. \n",
        "running 3 tests of speed\n", "[  FAILED  ] to start\n"}) {
    auto report = read_log(text);
    INFO(text);
    CHECK(report.counts.total() == (text == "Trying:\n" ? 1 : 0));
  }
}

TEST_CASE("dialects: the report does not depend on how the bytes are cut") {
  std::string all;
  for (const auto& entry : std::filesystem::directory_iterator{DROVER_SAMPLES})
    if (entry.path().extension() == ".txt") {
      auto bytes = sample(entry.path().filename().string());
      auto whole = read_log(bytes);
      INFO(entry.path().filename().string());
      CHECK(whole.counts.total() > 0);
      for (size_t piece : {1u, 2u, 7u, 64u})
        CHECK(read_in_pieces(bytes, piece) == whole);
      all += bytes;
    }
  CHECK(read_in_pieces(all, 1) == read_log(all));
}

TEST_CASE("dialects: a line without end and endless results stay within the bounds") {
  std::string piece(1 << 20, 'x');
  core::dialect_reader reader;
  reader.feed("test_a (m.T.test_a) ... ");
  for (int i = 0; i < 4; ++i)
    reader.feed(piece);
  reader.feed("ok\n");
  for (size_t i = 0; i < limits::tests_kept_max + 10; ++i)
    reader.feed("test_b (m.T.test_b) ... ok\n");
  auto report = reader.finish();
  CHECK(report.counts[test_outcome::passed] == limits::tests_kept_max + 11);
  CHECK(report.tests.size() == limits::tests_kept_max);
  CHECK(report.tests[0].name == "test_a");
  CHECK(report.truncated);
}

TEST_CASE("dialects: texts of results are valid and bounded") {
  std::string log = "test_a (m.T.test_a) ... skipped '\xff\xfe" + std::string(3000, 'y') + "'\n";
  auto report = read_log(log);
  REQUIRE(report.tests.size() == 1);
  CHECK(report.tests[0].message.size() <= limits::test_message_bytes_max);
  CHECK(report.tests[0].message.starts_with("\xef\xbf\xbd\xef\xbf\xbdy"));
  CHECK(report.tests[0].message.ends_with("..."));
}
