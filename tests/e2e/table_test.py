#!/usr/bin/env python3
"""The demo's table: only what changed is written to a terminal, plain lines go into a pipe.

SPDX-License-Identifier: Apache-2.0
"""

import io
import os
import unittest
from unittest import mock

import farm  # noqa: F401  finds the demo's folder
from table import HIDE_CURSOR, SHOW_CURSOR, Screen, age

HOSTS = {"h1": ("success", "up", ""), "h2": ("failure", "killed", "0.3 s")}


class Terminal(io.StringIO):
    def isatty(self):
        return True

    def news(self):
        text = self.getvalue()
        self.seek(0)
        self.truncate()
        return text


def cells(first, since=""):
    return {("hello", "h1"): ("running", first, since), ("hello", "h2"): ("queued", "waits", "")}


class Table(unittest.TestCase):
    def screen(self, out):
        with mock.patch.dict(os.environ, {"TERM": "xterm", "NO_COLOR": "1"}):
            return Screen(["hello"], ["h1", "h2"], out)

    def test_only_lines_that_differ_are_written_again(self):
        out = Terminal()
        screen = self.screen(out)
        screen.show(cells("build", "1 s"), HOSTS, "one")
        self.assertTrue(out.news().startswith(HIDE_CURSOR))
        screen.show(cells("build", "2 s"), HOSTS, "one")
        said = out.news()
        self.assertIn("build  2 s", said)
        self.assertNotIn("killed", said)
        self.assertNotIn("now", said)
        screen.show(cells("build", "2 s"), HOSTS, "one")
        self.assertNotIn("hello", out.news())

    def test_a_note_stays_above_the_table_which_is_there_again(self):
        out = Terminal()
        screen = self.screen(out)
        screen.show(cells("build"), HOSTS, "one")
        out.news()
        screen.note("h2 was killed")
        said = out.news()
        self.assertLess(said.index("h2 was killed"), said.index("hello"))
        screen.close()
        self.assertIn(SHOW_CURSOR, out.news())

    def test_no_line_is_wider_than_the_terminal(self):
        out = Terminal()
        screen = self.screen(out)
        with mock.patch("shutil.get_terminal_size", return_value=os.terminal_size((50, 20))):
            lines = screen.rows(cells("a step with a long name", "59 min 59 s"), HOSTS)
            screen.show(cells("x"), HOSTS, "a sentence that goes on and on and on and on and on")
        self.assertLessEqual(max(map(len, lines + screen.drawn)), 50)

    def test_a_pipe_gets_a_line_a_change_without_ages_or_escapes(self):
        out = io.StringIO()
        screen = self.screen(out)
        for since in ("1 s", "2 s"):
            screen.show(cells("build", since), HOSTS, "one")
        screen.show(cells("test", "1 s"), HOSTS, "one")
        screen.close()
        lines = [line.split("s ", 1)[1].strip() for line in out.getvalue().splitlines()]
        self.assertEqual(lines, ["hello  on h1: build", "hello  on h2: waits",
                                 "hello  on h1: test"])

    def test_ages_are_what_people_say(self):
        self.assertEqual([age(0.9), age(59), age(65)], ["0 s", "59 s", "1 min 5 s"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
