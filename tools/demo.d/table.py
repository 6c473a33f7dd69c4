"""Shows a campaign while it runs: a table that redraws itself, or plain lines when piped.

SPDX-License-Identifier: Apache-2.0
"""

import os
import sys
import time

COLOURS = {"success": "32", "running": "36", "failure": "31", "queued": "2", "note": "33",
           "head": "1"}


class Screen:
    """Writes what happens; `cells` is {(builder, host): (state, text)}."""

    def __init__(self, builders, hosts, out=sys.stdout):
        self.builders, self.hosts, self.out = builders, hosts, out
        self.live = out.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self.coloured = self.live and not os.environ.get("NO_COLOR")
        self.began = time.monotonic()
        self.drawn = 0
        self.last = {}

    def paint(self, text, kind):
        if not self.coloured or kind not in COLOURS:
            return text
        return f"\x1b[{COLOURS[kind]}m{text}\x1b[0m"

    def heading(self, text):
        self.forget_table()
        print("\n" + self.paint(text, "head"), file=self.out, flush=True)

    def note(self, text, kind="note"):
        """A line that stays, above the table."""
        self.clear_table()
        print(f"{self.stamp()} {self.paint(text, kind)}", file=self.out, flush=True)

    def stamp(self):
        return f"{time.monotonic() - self.began:6.1f}s"

    def clear_table(self):
        if self.drawn:
            self.out.write(f"\x1b[{self.drawn}A\x1b[J")
        self.drawn = 0

    def forget_table(self):
        self.drawn = 0

    def rows(self, cells):
        width = max([18] + [len(text) for _, text in cells.values()])
        first = max([8] + [len(name) for name in self.builders])
        lines = [" " * (first + 10) + "".join(host.ljust(width + 2) for host in self.hosts)]
        for builder in self.builders:
            parts = []
            for host in self.hosts:
                state, text = cells.get((builder, host), ("queued", "-"))
                parts.append(self.paint(text.ljust(width + 2), state))
            lines.append(" " * 8 + builder.ljust(first + 2) + "".join(parts))
        return [line.rstrip() for line in lines]

    def show(self, cells):
        if not self.live:
            for key, (state, text) in cells.items():
                known = (state, text.split("  ")[0])
                if self.last.get(key) != known:
                    self.last[key] = known
                    print(f"{self.stamp()} {key[0]:<6} on {key[1]}: {known[1]}", file=self.out,
                          flush=True)
            return
        lines = self.rows(cells)
        self.clear_table()
        self.out.write("\n".join(lines) + "\n")
        self.out.flush()
        self.drawn = len(lines)

    def table(self, cells):
        """The table as it is now, to stay."""
        self.clear_table()
        print("\n".join(self.rows(cells)), file=self.out, flush=True)
