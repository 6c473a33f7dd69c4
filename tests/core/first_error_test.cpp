// SPDX-License-Identifier: Apache-2.0
#include "actors/core/explain/first_error.hpp"
#include "schema/limits_explain.hpp"
#include "tests/catch.hpp"

#include <random>

using namespace drover;
using namespace drover::core;

TEST_CASE("first error: of each kind of log the line that tells the cause") {
  auto [log, line] = GENERATE(table<std::string, std::string>({
    // A compiler before make; the first of two errors, not the warning.
    {"cc -c a.c\na.c:1:2: warning: unused\na.c:3:1: error: expected ';' before '}'\n"
     "a.c:9:1: error: unknown type\nmake[1]: *** [Makefile:3: a.o] Error 1\nmake: *** [all] Error "
     "2\n",
     "a.c:3:1: error: expected ';' before '}'"},
    {"x.c:1:10: fatal error: gmp.h: No such file or directory\ncompilation terminated.\n",
     "x.c:1:10: fatal error: gmp.h: No such file or directory"},
    {"/usr/bin/ld: a.o: in function `main':\na.c:(.text+0x5): undefined reference to `foo'\n"
     "collect2: error: ld returned 1 exit status\n",
     "a.c:(.text+0x5): undefined reference to `foo'"},
    {"/usr/bin/ld: cannot find -lgmp: No such file or directory\ncollect2: error: ld returned 1\n",
     "/usr/bin/ld: cannot find -lgmp: No such file or directory"},
    {"make: *** No rule to make target 'all'.  Stop.\n",
     "make: *** No rule to make target 'all'.  Stop."},
    {"checking for gmp... no\nconfigure: error: GMP is needed\n",
     "configure: error: GMP is needed"},
    {"CMake Error at CMakeLists.txt:3 (find_package):\n  Could not find GMP\n-- Configuring "
     "incomplete, errors occurred!\n",
     "CMake Error at CMakeLists.txt:3 (find_package):"},
    // A traceback that was raised from another: the last one is what the program ended with.
    {"Traceback (most recent call last):\n  File \"a.py\", line 1, in <module>\nKeyError: 'x'\n\n"
     "During handling of the above exception, another exception occurred:\n\n"
     "Traceback (most recent call last):\n  File \"a.py\", line 3, in <module>\n"
     "ValueError: no x\n",
     "ValueError: no x"},
    {"test_a PASSED\nFAILED tests/a.py::test_b - assert 1 == 2\n=== 1 failed, 3 passed ===\n",
     "FAILED tests/a.py::test_b - assert 1 == 2"},
    {"PASS: a\nFAIL: b\n# FAIL:  1\n", "FAIL: b"},
    {"ok 1\nnot ok 2 - frobs\n1..2\n", "not ok 2 - frobs"},
    {"sage -t a.py\nTotal time: 3 s\n2 tests failed, 3 passed\n", "2 tests failed, 3 passed"},
    {"/bin/sh: 1: frob: not found\n", "/bin/sh: 1: frob: not found"},
    {"bash: line 3: frob: command not found\n", "bash: line 3: frob: command not found"},
    // The machine's trouble comes before what follows from it.
    {"a.c:3:1: error: can't write\ncc: No space left on device\n", "cc: No space left on device"},
    {"step 1\nSegmentation fault (core dumped)\nmake: *** [check] Error 139\n",
     "Segmentation fault (core dumped)"},
    {"cc -c big.c\nKilled\nmake: *** [big.o] Error 137\n", "Killed"},
    {"cc: internal compiler error: Segmentation fault\n",
     "cc: internal compiler error: Segmentation fault"},
    {"make: *** [Makefile:2: check] Error 7\n", "make: *** [Makefile:2: check] Error 7"},
    {"something failed here\n", "something failed here"},
    {"10 failed, 2 passed\n", "10 failed, 2 passed"},
  }));
  INFO(log);
  CHECK(first_error(log).line == line);
}

TEST_CASE("first error: a log that names none has none") {
  for (auto log : {"", "\n\n", "compiling error.c with -Werror\nall fine\n0 errors\n",
                   "12 passed, 0 failed, 0 skipped\n"})
    CHECK(first_error(log).line.empty());
  CHECK(first_error("all fine\n").context.empty());
}

TEST_CASE("first error: it comes with its neighbours, without colours and repainted lines") {
  auto found = first_error("10%\r50%\rcc -c a.c\n\x1b[1ma.c:3:1: \x1b[31merror:\x1b[0m\tbad\r\n"
                           "    3 | x\n      | ^\nnext\n");
  CHECK(found.line == "a.c:3:1: error: bad");
  REQUIRE(found.context.size() == 4);
  CHECK(found.context[0] == "cc -c a.c");
  CHECK(found.context[2] == "    3 | x");
}

TEST_CASE("first error: any bytes make printable lines within the bounds") {
  std::mt19937_64 random{20261122};
  const std::string words[] = {
    "error: ",  "\x1b[", "\n",    "\r",   "Killed", "Traceback",         ": ***",
    "\xff\xfe", "make",  "FAIL:", "E   ", "\n",     std::string(1, '\0')};
  for (int round = 0; round < 2000; ++round) {
    std::string log;
    for (auto parts = random() % 40; parts > 0; --parts)
      if (random() % 3 == 0)
        log += static_cast<char>(random());
      else
        log += words[random() % std::size(words)];
    auto found = first_error(log);
    REQUIRE(found.context.size() <= limits::error_lines_before + limits::error_lines_after + 1);
    found.context.push_back(found.line);
    for (const auto& line : found.context) {
      REQUIRE(line.size() <= limits::error_line_bytes_max);
      REQUIRE(line.find_first_of("\n\r\x1b") == std::string::npos);
    }
  }
  auto huge = std::string(40 * 1024 * 1024, 'x') + "\nerror: last\n";
  CHECK(first_error(huge).line == "error: last");
}
