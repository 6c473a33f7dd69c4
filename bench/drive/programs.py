"""Load programs that take orders line by line and answer each with one line of JSON.

SPDX-License-Identifier: Apache-2.0
"""

import json
import subprocess


class BenchError(Exception):
    """A measurement could not be taken; the text says which and why."""


class LoadProgram:
    """Runs until it is left; what it says on stderr is the reader's to see."""

    def __init__(self, *words):
        self.words = [str(word) for word in words]
        self.process = None

    def __enter__(self):
        self.process = subprocess.Popen(self.words, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def order(self, *words):
        """Gives an order without waiting for its answer."""
        try:
            self.process.stdin.write(" ".join(map(str, words)) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise BenchError(f"{self.words[0]} has ended") from None

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise BenchError(f"{self.words[0]} ended without an answer")
        return json.loads(line)

    def ask(self, *words):
        self.order(*words)
        return self.answer()
