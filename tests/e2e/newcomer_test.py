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
# What an example may end with besides 0, and why.
OTHER_CODES = {
    "drover cancel 2": (4,),  # it may be over already
    "drover up": (4,),  # the farm runs
    "drover admin restore": (4,),  # the farm runs: it is tried again once it does not
    # What they name is not there on a new farm, and they say so.
    "drover notice 12": (2,),
    "drover admin revoke vega": (2,),
    "drover admin notices test people": (2,),
    "drover admin cache drop": (2,),
    "drover admin user remove ann": (2,),
    # There is no terminal here to ask for the password on.
    "drover admin user add ann": (2,),
    "drover admin user password ann": (2,),
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

    def shell(self, line, codes=(0,), seconds=120):
        done = subprocess.run(["bash", "-c", line], cwd=self.folder, env=self.environment,
                              capture_output=True, text=True, check=False, timeout=seconds,
                              stdin=subprocess.DEVNULL)
        self.assertIn(done.returncode, codes, f"{line}\n{done.stdout}{done.stderr}")
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
        more = next((codes for start, codes in OTHER_CODES.items() if line.startswith(start)), ())
        self.shell(line, (0, *more))

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
