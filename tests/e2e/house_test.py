#!/usr/bin/env python3
"""The checks of the house see what they are made to see.

SPDX-License-Identifier: Apache-2.0
"""

import glob
import os
import re
import sys
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tools"))

import includes  # noqa: E402
import tidy  # noqa: E402

LICENSE_LINE = "// SPDX-License-Identifier: Apache-2.0"


def tidy_says(path, text):
    said = []
    lines = text.splitlines()
    def say(number, what):
        said.append((number, what))
    tidy.check_any(path, lines, say)
    if path.endswith((".cpp", ".hpp")):
        tidy.check_cpp(path, lines, say)
    return said


class Includes(unittest.TestCase):
    def test_wrong_arrows_are_seen(self):
        for path, bracket, target in (
                ("schema/ids.hpp", '"', "schema/model.hpp"),
                ("schema/model.hpp", "<", "fmt/format.h"),
                ("storage/keys.cpp", "<", "rocksdb/db.h"),
                ("actors/core/schedule.cpp", "<", "caf/all.hpp"),
                ("actors/core/schedule.cpp", '"', "storage/store.hpp"),
                ("actors/build.cpp", '"', "actors/edge/loop.hpp"),
                ("actors/build.cpp", "<", "kj/async.h"),
                ("actors/build.cpp", "<", "sys/socket.h"),
                ("actors/build.cpp", '"', "storage/rocks_store.hpp"),
                ("actors/build.cpp", '"', "schema/wire.capnp.h"),
                ("nodes/keeper.cpp", "<", "caf/actor.hpp"),
                ("nodes/http/api.hpp", "<", "nlohmann/json.hpp"),
                ("nodes/host_main.cpp", '"', "storage/rocks_store.hpp"),
                ("nodes/host_main.cpp", "<", "boost/asio.hpp"),
                ("schema/names.cpp", '"', "names.hpp"),
                ("unheard/of.cpp", "<", "string"),
        ):
            self.assertTrue(includes.problem_of(path, bracket, target), (path, target))

    def test_right_arrows_pass(self):
        for path, bracket, target in (
                ("schema/ids.hpp", "<", "cstdint"),
                ("storage/rocks_store.cpp", "<", "rocksdb/db.h"),
                ("actors/core/schedule.cpp", '"', "schema/model.hpp"),
                ("actors/edge/loop.cpp", "<", "kj/async.h"),
                ("actors/build.cpp", '"', "actors/core/progress.hpp"),
                ("nodes/coordinator_main.cpp", '"', "storage/rocks_store.hpp"),
                ("tests/edge/x_test.cpp", "<", "kj/async.h"),
        ):
            self.assertIsNone(includes.problem_of(path, bracket, target), (path, target))


class Tidy(unittest.TestCase):
    def test_lengths_are_seen(self):
        long_function = "int f() {\n" + "  g();\n" * 70 + "}\n"
        self.assertIn((2, "a function of 72 lines, at most 70"),
                      tidy_says("nodes/x.cpp", LICENSE_LINE + "\n" + long_function))
        fine = "int f() {\n" + "  g();\n" * 68 + "}\n"
        self.assertEqual(tidy_says("nodes/x.cpp", LICENSE_LINE + "\n" + fine), [])
        self.assertTrue(tidy_says("nodes/x.cpp", LICENSE_LINE + "\n" + "int a;\n" * 400))
        self.assertTrue(tidy_says("nodes/x.cpp", LICENSE_LINE + "\n//" + "x" * 100))

    def test_functions_in_classes_and_namespaces_are_measured(self):
        text = ("namespace a {\nstruct b {\n  explicit b(int c) : d{c} {\n" + "    g();\n" * 80
                + "  }\n  int d;\n};\n}\n")
        self.assertIn((4, "a function of 82 lines, at most 70"),
                      tidy_says("nodes/x.cpp", LICENSE_LINE + "\n" + text))

    def test_too_many_parameters_are_seen(self):
        text = LICENSE_LINE + "\nint f(int a, std::map<int, int> b, int c, int d, int e) {\n}\n"
        self.assertEqual(tidy_says("nodes/x.cpp", text), [])
        text = text.replace("int a,", "int a, int z,")
        self.assertIn((2, "6 parameters, at most 5"), tidy_says("nodes/x.cpp", text))

    def test_banned_words_are_seen_in_code_only(self):
        for path, line in (("actors/x.cpp", "std::thread helper{work};"),
                           ("actors/x.cpp", "auto now = std::chrono::system_clock::now();"),
                           ("actors/x.cpp", "sleep(1);"),
                           ("actors/core/x.cpp", "auto seed = std::random_device{}();"),
                           ("tests/core/x_test.cpp", "std::this_thread::sleep_for(1s);"),
                           ("nodes/x.cpp", "using namespace caf;"),
                           ("nodes/x.cpp", "} catch (...) {}")):
            self.assertTrue(tidy_says(path, f"{LICENSE_LINE}\n{line}\n"), line)
        for path, line in (("actors/x.cpp", "// a sleep(1) would hold the thread"),
                           ("actors/x.cpp", 'log("no sleep(1) here");'),
                           ("nodes/x.cpp", "std::thread helper{work};")):
            self.assertEqual(tidy_says(path, f"{LICENSE_LINE}\n{line}\n"), [], line)

    def test_headers_licences_and_private_paths_are_seen(self):
        self.assertTrue(tidy_says("nodes/x.hpp", LICENSE_LINE + "\nint a;\n"))
        self.assertTrue(tidy_says("nodes/x.cpp", "int a;\n"))
        self.assertTrue(tidy_says("docs/x.md", "see /ho" + "me/somebody/notes\n"))
        self.assertTrue(tidy_says("nodes/x.cpp", LICENSE_LINE + "\n// TO" + "DO: later\n"))
        right = "#pragma once\n// What this is.\n" + LICENSE_LINE
        self.assertEqual(tidy_says("nodes/x.hpp", right), [])


class Documents(unittest.TestCase):
    def test_each_test_that_they_name_is_there(self):
        there = {os.path.splitext(os.path.basename(path))[0]
                 for path in glob.glob(TOP + "/tests/**/*_test.*", recursive=True)}
        for path in glob.glob(TOP + "/tests/**/CMakeLists.txt", recursive=True):
            with open(path, encoding="utf-8") as file:
                there.update(re.findall(r"\b\w+_test\b", file.read()))
        named = set()
        for path in glob.glob(TOP + "/docs/*.md"):
            with open(path, encoding="utf-8") as file:
                named.update(re.findall(r"\b[a-z]\w+_test\b", file.read()))
        self.assertGreater(len(named), 30)
        self.assertEqual(named - there, set())


if __name__ == "__main__":
    unittest.main(verbosity=2)
