#!/usr/bin/env python3
"""Every command and option of `--help` is in the manual pages, in docs/CLI.md and in completion.

SPDX-License-Identifier: Apache-2.0
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from farm import TOP, main
import farm


def drover(*words, **more):
    environment = {**os.environ, "XDG_CONFIG_HOME": "/nowhere", "DROVER_FARM": ""}
    return subprocess.run([os.path.join(farm.PROGRAMS, "drover"), *words], capture_output=True,
                          text=True, check=False, env=environment, stdin=subprocess.DEVNULL, **more)


def help_of(words):
    done = drover(*words, "--help")
    assert done.returncode == 0, done.stderr
    return done.stdout


def all_commands():
    """[(words, help)] of every command that does something."""
    found = []
    waiting = [()]
    while waiting:
        words = waiting.pop(0)
        text = help_of(words)
        inner = re.search(r"^Subcommands:|\[SUBCOMMAND\]|SUBCOMMAND$", text, re.M)
        if inner:
            # Commands stand in groups, behind the options.
            groups = re.split(r"^\S.*:$", text[text.index("Options:"):], flags=re.M)[2:]
            for group in groups:
                waiting += [(*words, name) for name in re.findall(r"^  ([a-z]+) ", group, re.M)]
        else:
            found.append((words, text))
    return found


def options(text):
    return sorted(set(re.findall(r"^  (?:-\w,)?(--[a-z-]+)", text, re.M)))


def examples(text):
    """The commands of the help's examples."""
    found = re.search(r"^Example: (.*(?:\n {9}\S.*)*)", text, re.M)
    return [line.strip() for line in found[1].split("\n")] if found else []


def read(path):
    with open(os.path.join(TOP, path), encoding="utf-8") as file:
        return file.read()


class Help(unittest.TestCase):
    def test_there_are_commands_and_each_has_an_example_of_itself(self):
        found = all_commands()
        self.assertGreater(len(found), 25)
        for words, text in found:
            shown = examples(text)
            self.assertTrue(shown, f"drover {' '.join(words)} --help has no example")
            for example in shown:
                self.assertEqual(example.split()[:len(words) + 1], ["drover", *words])

    def test_each_command_and_option_is_in_the_manual_and_in_the_page(self):
        manual = read("docs/man/drover.1.scd").replace("\\", "")
        page = read("docs/CLI.md")
        for words, text in all_commands():
            name = "drover " + " ".join(words)
            self.assertIn(f"*{name}*", manual)
            self.assertRegex(page, rf"#### `{re.escape(name)}[ `]")
            begin = re.search(rf"#### `{re.escape(name)}[ `]", page).start()
            section = page[begin:].split("\n#### ", 1)[0]
            for option in options(text):
                if option not in ("--help",):
                    self.assertIn(option, section, f"{name} {option}")
                    self.assertIn(option, manual, f"{name} {option}")

    def test_completion_offers_each_command_and_option(self):
        for words, text in all_commands():
            for number, word in enumerate(words):
                offered = drover("complete-words", *words[:number], word[:1]).stdout
                self.assertIn(word, [line.split("\t")[0] for line in offered.splitlines()])
            offered = drover("complete-words", *words, "--").stdout
            offered = {line.split("\t")[0] for line in offered.splitlines()}
            self.assertLessEqual(set(options(text)), offered, f"drover {' '.join(words)} --")

    def test_the_documents_are_as_the_programs_say(self):
        with open("/etc/os-release", encoding="utf-8") as file:
            if "bookworm" not in file.read():
                self.skipTest("the documents are made on Debian 12; other CLI11s lay help out anew")
        done = subprocess.run([sys.executable, os.path.join(TOP, "tools", "reference"), "--bin",
                               farm.PROGRAMS, "--check"], capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_the_manual_of_farm_yaml_has_every_key_of_its_schema(self):
        keys = set()
        def walk(node):
            if isinstance(node, dict):
                keys.update(node.get("properties", {}))
                for each in node.values():
                    walk(each)
            elif isinstance(node, list):
                for each in node:
                    walk(each)
        walk(json.loads(read("config/drover.schema.json")))
        self.assertGreater(len(keys), 30)
        manual = read("docs/man/drover-farm.yaml.5.scd").replace("\\", "")
        for key in keys - {"$schema"}:
            self.assertIn(f"*{key}*", manual)

    def test_manual_pages_can_be_made(self):
        if not shutil.which("scdoc"):
            self.skipTest("scdoc is not there; tools/setup installs it")
        for name in sorted(os.listdir(os.path.join(TOP, "docs", "man"))):
            done = subprocess.run(["scdoc"], input=read(f"docs/man/{name}"), text=True, check=False,
                                  capture_output=True)
            self.assertEqual(done.returncode, 0, f"{name}: {done.stderr}")
            self.assertIn(".TH", done.stdout)


class Shells(unittest.TestCase):
    """The scripts in the shells themselves, as far as these are there."""

    def complete(self, shell, script, command):
        program = shutil.which(shell)
        if not program:
            self.skipTest(f"{shell} is not there")
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "drover." + shell)
            with open(path, "w", encoding="ascii") as file:
                file.write(drover("completion", shell).stdout)
            environment = {**os.environ, "PATH": farm.PROGRAMS + ":" + os.environ["PATH"],
                           "HOME": folder, "XDG_CONFIG_HOME": folder, "SCRIPT": path}
            done = subprocess.run([program, *script, command], capture_output=True, text=True,
                                  check=False, env=environment, timeout=60)
            self.assertEqual(done.stderr, "")
            return done.stdout

    def test_bash(self):
        said = self.complete("bash", ["--norc", "-c"], """
            source "$SCRIPT"
            COMP_WORDS=(drover admin token re); COMP_CWORD=3; _drover
            printf '%s\\n' "${COMPREPLY[@]}"
            COMP_WORDS=(drover builds --state ""); COMP_CWORD=3; _drover
            printf '%s\\n' "${COMPREPLY[@]}"
            complete -p drover""")
        self.assertEqual(said.splitlines(), ["revoke", "queued", "waiting", "running", "finished",
                                             "complete -o default -F _drover drover"])

    def test_zsh(self):
        said = self.complete("zsh", ["-f", "-c"], """
            _describe() { print -l -- "${(@P)2}"; }
            compdef() { : }
            source "$SCRIPT"
            words=(drover admin token re); CURRENT=4; _drover""")
        self.assertEqual(said, "revoke:End a key at once, for open connections too\n")

    def test_fish(self):
        said = self.complete("fish", ["--no-config", "-c"], """
            source $SCRIPT
            complete -C 'drover admin token re'
            complete -C 'drover host h1 dr'""")
        self.assertEqual([line.split("\t")[0] for line in said.splitlines()], ["revoke", "drain"])


if __name__ == "__main__":
    main()
