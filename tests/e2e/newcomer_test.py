#!/usr/bin/env python3
"""A new user's half hour: README's five minutes, then every example of every --help.

SPDX-License-Identifier: Apache-2.0
"""

import io
import os
import re
import shlex
import shutil
import signal
import subprocess
import tarfile
import tempfile
import unittest

from farm import TOP, Farm, main, wait_until
from help_test import all_commands, examples
import farm

# These go on until Ctrl-C: their first word is awaited, then they are told to end.
ENDLESS = ("--watch", "events --follow")
# What an example may end with besides 0, with the words that say why: wrong usage is 2 as well.
OTHER_ENDS = {
    "drover cancel 2": (4, "is over already"),
    "drover up": (4, "runs this farm; stop it"),
    # Tried again below, once the farm does not run.
    "drover admin restore": (4, "a coordinator has this store open"),
    # What they name is not there on a new farm, and they say so.
    "drover notice 12": (2, "there is no notice 12"),
    "drover admin revoke vega": (2, "there is no host 'vega'"),
    "drover admin notices test people": (2, "there is no reporter 'people'"),
    "drover admin cache drop": (2, "no entry of the step cache has a key that begins with"),
    "drover admin user remove ann": (2, "there is no account 'ann'"),
    "drover admin user add ann": (2, "there is no terminal to ask on"),
    "drover admin user password ann": (2, "there is no terminal to ask on"),
}
# In this order, since some need what others make; the rest comes as the help has it.
FIRST = ["drover submit", "drover retry", "drover admin backup"]
LAST = ["drover cancel", "drover admin token revoke"]

CONFIGURE = "#!/bin/sh\necho configured by $DROVER_BUILDER\n"
MAKEFILE = ("all:\n\techo built\ncheck:\n\techo tested\n"
            "\techo hello > $$DROVER_OUT/hello.txt\n")


def readme_blocks(language):
    with open(os.path.join(TOP, "README.md"), encoding="utf-8") as file:
        text = file.read()
    text = text[text.index("## Five minutes"):]
    found = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.M | re.S)
    return [block for kind, block in found if kind == language]


def tarball(path):
    with tarfile.open(path, "w:gz") as archive:
        for name, content in (("configure", CONFIGURE), ("Makefile", MAKEFILE)):
            entry = tarfile.TarInfo("hello-2.12/" + name)
            entry.size, entry.mode = len(content), 0o755
            archive.addfile(entry, io.BytesIO(content.encode()))


class Newcomer(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="drover-newcomer-")
        self.environment = {**os.environ, "PATH": farm.PROGRAMS + ":" + os.environ["PATH"],
                            "XDG_CONFIG_HOME": self.folder, "PWD": self.folder}
        self.environment.pop("DROVER_FARM", None)
        self.farm = Farm(farm.PROGRAMS, os.path.join(self.folder, "my-farm"))
        self.addCleanup(self.clean)

    def clean(self):
        if self.farm.process is not None:
            self.farm.stop()
        for pid, _ in self.farm.processes_left():
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)

    def shell(self, line, other_end=None, seconds=120):
        """What it prints; it may also end with `other_end`, a code and words of the error."""
        done = subprocess.run(["bash", "-c", line], cwd=self.folder, env=self.environment,
                              capture_output=True, text=True, check=False, timeout=seconds,
                              stdin=subprocess.DEVNULL)
        said = f"{line}\n{done.stdout}{done.stderr}"
        if done.returncode == 0 or other_end is None:
            self.assertEqual(done.returncode, 0, said)
        else:
            code, words = other_end
            self.assertEqual(done.returncode, code, said)
            self.assertIn(words, done.stderr, line)
        return done.stdout

    def endless(self, line):
        """Starts it, waits for its first words, and ends it as Ctrl-C does."""
        process = subprocess.Popen(shlex.split(line), cwd=self.folder, env=self.environment,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            self.assertTrue(process.stdout.readline(), f"{line} said nothing")
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=30)

    def start_as_the_readme_says(self):
        config = readme_blocks("yaml")[0]
        with open(os.path.join(self.folder, "farm.yaml"), "w", encoding="utf-8") as file:
            file.write(config)
        tarball(os.path.join(self.folder, "hello-2.12.tar.gz"))
        commands = [line for block in readme_blocks("") for line in block.splitlines()]
        start = next(line for line in commands if line.startswith("drover up"))
        self.assertEqual(shlex.split(start, comments=True),
                         ["drover", "up", "--dir", "my-farm", "--config", "farm.yaml", "--hosts",
                          "2"])
        self.shell(next(line for line in commands if line.startswith("drover check")))
        self.farm.start("--config", os.path.join(self.folder, "farm.yaml"), "--hosts", "2")
        return commands[commands.index(next(line for line in commands
                                            if line.startswith("export DROVER_FARM"))):]

    def run_example(self, line):
        if any(word in line for word in ENDLESS):
            self.endless(line)
            return
        self.shell(line, next((end for start, end in OTHER_ENDS.items() if line.startswith(start)),
                              None))

    def test_the_readme_then_each_example_of_the_help(self):
        second_terminal = self.start_as_the_readme_says()
        export = shlex.split(second_terminal[0])[1].replace("$PWD", self.folder)
        self.environment["DROVER_FARM"] = export.split("=", 1)[1]
        for line in second_terminal[1:]:
            self.shell(line)
        lines = [line for _, text in all_commands() for line in examples(text)]
        self.assertGreater(len(lines), 35)
        def place(line):
            first = [i for i, start in enumerate(FIRST) if line.startswith(start)]
            last = any(line.startswith(start) for start in LAST)
            return (2,) if last else (0, first[0]) if first else (1,)
        for line in sorted(lines, key=place):
            with self.subTest(line):
                self.run_example(line)
        self.restore_for_real()

    def restore_for_real(self):
        """Stopped, the farm takes its backup back and still knows the first build."""
        before = self.farm.ask("build", 1)
        self.farm.stop()
        said = self.shell("drover admin restore drover-backup --dir my-farm")
        self.assertIn("kept as", said)
        self.farm.start()
        wait_until(lambda: self.farm.run("build", 1).returncode == 0, 20, "the build is there")
        self.assertEqual(self.farm.ask("build", 1)["result"], before["result"])
        self.shell("drover submit hello --source hello-2.12.tar.gz --wait")


if __name__ == "__main__":
    main()
