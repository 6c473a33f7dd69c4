"""Shows a campaign while it runs: a table that repaints itself, or plain lines when piped.

SPDX-License-Identifier: Apache-2.0
"""

import os
import shutil
import sys
import time

COLOURS = {"success": "32", "running": "36", "failure": "31", "queued": "2", "note": "33",
           "head": "1", "quiet": "2"}
HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
MARGIN = 9  # columns of a note's time, in which the builders' names stand too


def age(seconds):
    """"7 s", "1 min 5 s"."""
    seconds = int(seconds)
    return f"{seconds} s" if seconds < 60 else f"{seconds // 60} min {seconds % 60} s"


class Screen:
    """Writes what happens. A cell is (state, text, age), a host (state, text, age); states are
    those of COLOURS; an age changes by itself and is shown on a terminal only."""

    def __init__(self, builders, hosts, out=None):
        self.builders, self.hosts, self.out = builders, hosts, out or sys.stdout
        self.live = self.out.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self.coloured = self.live and not os.environ.get("NO_COLOR")
        self.began = time.monotonic()
        self.drawn = []  # the lines of the table as the terminal has them
        self.last = {}  # what plain lines have said

    # -- lines that stay ------------------------------------------------------------------------

    def paint(self, text, kind):
        if not self.coloured or kind not in COLOURS:
            return text
        return f"\x1b[{COLOURS[kind]}m{text}\x1b[0m"

    def say(self, text):
        """A line that stays, above the table; the table is drawn below it anew."""
        table, self.drawn = self.drawn, []
        up = f"\x1b[{len(table)}A\r\x1b[J" if table else ""
        self.write(up + text + "\n" + "".join(line + "\n" for line in table))
        self.drawn = table

    def heading(self, text):
        self.leave_table()
        self.write("\n" + self.paint(text, "head") + "\n")

    def note(self, text, kind="note"):
        self.say(f"{self.stamp()} {self.paint(text, kind)}")

    def stamp(self):
        return f"{time.monotonic() - self.began:6.1f}s "

    # -- the table ------------------------------------------------------------------------------

    def show(self, cells, hosts, now):
        """The campaign as it is: {(builder, host): cell}, {host: host}, and one line on what
        happens."""
        if not self.live:
            self.say_changes(cells)
            return
        lines = self.rows(cells, hosts)
        lines.append(self.paint(self.cut("     now  " + now, self.width()), "note"))
        self.repaint(lines)

    def say_changes(self, cells):
        for key, (state, text, _) in cells.items():
            if self.last.get(key) != (state, text):
                self.last[key] = (state, text)
                self.write(f"{self.stamp()} {key[0]:<6} on {key[1]}: {text}\n")

    def table(self, cells):
        """The table as it is now, to stay."""
        self.leave_table()
        self.write("".join(line + "\n" for line in self.rows(cells, {})))

    def width(self):
        return shutil.get_terminal_size((100, 30)).columns if self.live else 100

    def rows(self, cells, hosts):
        room = (self.width() - MARGIN - 3) // max(1, len(self.hosts))
        column = max(12, min(26, room)) - 2
        head = " " * MARGIN
        for host in self.hosts:
            state, text, since = hosts.get(host, ("quiet", "", ""))
            head += self.field(state, f"{host} {text}".strip(), since, column)
        lines = [head.rstrip()]
        for builder in self.builders:
            line = builder[:MARGIN - 2].rjust(MARGIN - 2) + "  "
            for host in self.hosts:
                line += self.field(*cells.get((builder, host), ("queued", "-", "")), column)
            lines.append(line.rstrip())
        return lines

    def field(self, state, text, since, column):
        """A cell's text in its colour, its age behind it if there is room, and two blanks."""
        whole = f"{text}  {since}" if since and self.live else text
        shown = self.cut(whole if len(whole) <= column else text, column)
        return self.paint(shown, state) + " " * (column - len(shown) + 2)

    @staticmethod
    def cut(text, width):
        return text if len(text) <= width else text[:width - 1] + "…"

    def repaint(self, lines):
        """Writes the lines that differ from those on the screen, all in one go: no flicker."""
        if not self.drawn:
            text = HIDE_CURSOR + "".join(line + "\n" for line in lines)
        else:
            text = f"\x1b[{len(self.drawn)}A\r"
            for number, line in enumerate(lines):
                old = self.drawn[number] if number < len(self.drawn) else None
                text += "\n" if line == old else line + "\x1b[K\n"
            text += "\x1b[J" if len(lines) < len(self.drawn) else ""
        self.drawn = lines
        self.write(text)

    def leave_table(self):
        """What is drawn stays as it is; the cursor is there again."""
        if self.drawn:
            self.write(SHOW_CURSOR)
        self.drawn = []

    def close(self):
        """Whatever happened, the terminal is as it was."""
        if self.live:
            self.write(SHOW_CURSOR + "\x1b[0m")

    def write(self, text):
        self.out.write(text)
        self.out.flush()
