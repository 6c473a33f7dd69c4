"""The JSON Schema for editors and `drover check` say the same of good files and of bad ones.

SPDX-License-Identifier: Apache-2.0

Usage: schema_test.py --bin FOLDER_OF_PROGRAMS [unittest's options]
"""

import glob
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

import jsonschema
import yaml

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAMS = os.path.join(TOP, "build", "dev", "bin")

GOOD = sorted(
    glob.glob(os.path.join(TOP, "config", "*.yaml"))
    + glob.glob(os.path.join(TOP, "config", "examples", "**", "*.yaml"), recursive=True)
    + [os.path.join(TOP, "tools", "demo.d", "farm.yaml")])

# Included by another one: no farm of their own, so what they refer to is elsewhere.
PARTS = {"herd/hosts.yaml", "herd/builders/check.yaml", "herd/builders/docs.yaml"}

STEP = "steps: [{name: s, run: make}]"
BAD = {
    "unknown key": "frm: x",
    "unknown key of a host": "hosts: {h: {slot: 2}}",
    "unknown key of a builder": "builders: {b: {stpes: []}}",
    "unknown key of a step": "builders: {b: {steps: [{name: s, run: m, timout: 1m}]}}",
    "unknown key of a restart": "hosts: {h: {restart: {agnet: x}}}",
    "unknown key of limits": "limits: {log: 1GiB}",
    "unknown key of keep": "builders: {b: {keep: {aeg: 1d}, " + STEP + "}}",
    "a timer with branches": "sources: {t: {cron: \"0 3 * * *\", branches: [x]}}",
    "a timer with four fields": "sources: {t: {cron: \"0 3 * *\"}}",
    "a repository with a zone": "sources: {s: {git: x, zone: UTC}}",
    "only what changed, of nothing": "sources: {t: {cron: \"0 3 * * *\", only_changed: yes}}",
    "hosts as a list": "hosts: [h1, h2]",
    "builders as a text": "builders: check",
    "a wrong name": "hosts: {\"a b\": {}}",
    "a name that begins with a dot": "builders: {.b: {" + STEP + "}}",
    "a wrong farm name": "farm: a b",
    "slots of none": "hosts: {h: {slots: 0}}",
    "too many slots": "hosts: {h: {slots: 5000}}",
    "slots as a word": "hosts: {h: {slots: two}}",
    "a restart as a text": "hosts: {h: {restart: reboot}}",
    "an empty restart command": "hosts: {h: {restart: {power: \" \"}}}",
    "labels as a list": "hosts: {h: {labels: [fast]}}",
    "a builder without steps": "builders: {b: {on: any}}",
    "an empty list of steps": "builders: {b: {steps: []}}",
    "steps as a mapping": "builders: {b: {steps: {name: s, run: m}}}",
    "a step without run": "builders: {b: {steps: [{name: s}]}}",
    "a step without name": "builders: {b: {steps: [{run: m}]}}",
    "a blank run": "builders: {b: {steps: [{name: s, run: \"  \"}]}}",
    "each hosts": "builders: {b: {on: each hosts, " + STEP + "}}",
    "each of nothing": "builders: {b: {on: each(), " + STEP + "}}",
    "a duration without unit": "builders: {b: {steps: [{name: s, run: m, timeout: 600}]}}",
    "a duration with a blank": "builders: {b: {steps: [{name: s, run: m, timeout: 10 min}]}}",
    "no time at all": "builders: {b: {steps: [{name: s, run: m, silence: 0s}]}}",
    "a size of others": "limits: {log_per_step: 1GB}",
    "a maybe": "builders: {b: {steps: [{name: s, run: m, always: maybe}]}}",
    "pty as a word": "builders: {b: {steps: [{name: s, run: m, pty: xterm}]}}",
    "a variable of the farm": "builders: {b: {steps: [{name: s, run: m, env: {DROVER_X: y}}]}}",
    "no variable's name": "builders: {b: {steps: [{name: s, run: m, env: {A-B: y}}]}}",
    "artifacts as a text": "builders: {b: {artifacts: out, " + STEP + "}}",
    "artifacts outside": "builders: {b: {artifacts: [../x], " + STEP + "}}",
    "artifacts of the system": "builders: {b: {artifacts: [/etc/passwd], " + STEP + "}}",
    "no pids": "builders: {b: {steps: [{name: s, run: m, limits: {pids: many}}]}}",
    "params as a list": "builders: {b: {params: [a], " + STEP + "}}",
    "a parameter as a list": "builders: {b: {params: {p: [a, b]}, " + STEP + "}}",
    "a parameter of no kind": "builders: {b: {params: {p: {default: a}}, " + STEP + "}}",
    "a parameter of two kinds": "builders: {b: {params: {p: {text: a, number: 4}}, " + STEP + "}}",
    "a choice of nothing": "builders: {b: {params: {p: {choice: []}}, " + STEP + "}}",
    "a choice twice": "builders: {b: {params: {p: {choice: [a, a]}}, " + STEP + "}}",
    "no number": "builders: {b: {params: {p: {number: many}}, " + STEP + "}}",
    "a number without default": "builders: {b: {params: {p: {number: }}, " + STEP + "}}",
    "neither yes nor no": "builders: {b: {params: {p: {yes_no: maybe}}, " + STEP + "}}",
    "default of a number": "builders: {b: {params: {p: {number: 4, default: 5}}, " + STEP + "}}",
    "required with a default":
        "builders: {b: {params: {p: {text: a, required: yes}}, " + STEP + "}}",
    "required choice with a default":
        "builders: {b: {params: {p: {choice: [a], default: a, required: yes}}, " + STEP + "}}",
    "a source of nothing": "sources: {s: {every: 5s}}",
    "a source of two kinds": "sources: {s: {git: /x, hg: /y}}",
    "an option as a source": "sources: {s: {git: --upload-pack=x}}",
    "branches of tarballs": "sources: {s: {tarballs: in, branches: [main]}}",
    "a match for git": "sources: {s: {git: /x, match: \"*\"}}",
    "a reporter of nothing": "reporters: {r: {on: [problem]}}",
    "no address": "reporters: {r: {mail: mail.example.org, to: [a@b]}}",
    "no mail address": "reporters: {r: {mail: \"smtp://m\", to: [you]}}",
    "mail to nobody": "reporters: {r: {mail: \"smtp://m\"}}",
    "no password": "reporters: {r: {irc: \"ircs://i\", channels: [\"#b\"], user: d}}",
    "no channel": "reporters: {r: {irc: \"irc://i\", channels: [builds]}}",
    "a secret in the file": "reporters: {r: {webhook: \"http://x\", secret: hush}}",
    "a setting of others": "reporters: {r: {webhook: \"http://x\", nick: a}}",
    "an unknown event": "reporters: {r: {webhook: \"http://x\", on: [problme]}}",
    "an unknown role": "users: {u: {roles: [king]}}",
    "anyone as an admin": "users: {anyone: {roles: [admin]}}",
    "no mail address of a user": "users: {u: {mail: you}}",
    "an absolute include": "include: [/etc/drover/hosts.yaml]",
    "an include of no YAML": "include: [notes.txt]",
    "an include as a mapping": "include: {a: b.yaml}",
}


class Yaml12(yaml.SafeLoader):
    """What editors take for YAML: only true and false are booleans, and `on` is a word."""


Yaml12.yaml_implicit_resolvers = {}
for kind, pattern, first in (
        ("bool", r"^(?:true|false)$", "tf"), ("null", r"^(?:~|null|)$", ["~", "n", ""]),
        ("int", r"^-?(?:0|[1-9][0-9]*)$", "-0123456789"),
        ("float", r"^-?[0-9]+\.[0-9]+$", "-0123456789")):
    Yaml12.add_implicit_resolver("tag:yaml.org,2002:" + kind, re.compile(pattern), list(first))


def blocks_of(path):
    """The ```yaml blocks of a document, each a whole configuration."""
    with open(path, encoding="utf-8") as file:
        return re.findall(r"^```yaml\n(.*?)^```$", file.read(), re.M | re.S)


class Schema(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with open(os.path.join(TOP, "config", "drover.schema.json"), encoding="utf-8") as file:
            schema = json.load(file)
        jsonschema.Draft202012Validator.check_schema(schema)
        cls.validator = jsonschema.Draft202012Validator(schema)

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="drover-schema-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def complaints(self, text):
        """What the schema has against a text."""
        return [error.message for error in self.validator.iter_errors(yaml.load(text, Yaml12))]

    def check(self, path):
        return subprocess.run([os.path.join(PROGRAMS, "drover"), "check", path], check=False,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
                              env={key: value for key, value in os.environ.items()
                                   if key != "DROVER_FARM"})

    def written(self, text):
        path = os.path.join(self.folder, "farm.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def assert_good(self, text, path):
        self.assertEqual(self.complaints(text), [])
        done = self.check(path)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_all_examples_are_right(self):
        self.assertGreater(len(GOOD), 6)
        examples = os.path.join(TOP, "config", "examples")
        for path in GOOD:
            with self.subTest(path), open(path, encoding="utf-8") as file:
                text = file.read()
                if os.path.relpath(path, examples) in PARTS:
                    self.assertEqual(self.complaints(text), [])
                else:
                    self.assert_good(text, path)

    def test_all_examples_name_the_schema_for_editors(self):
        for path in GOOD:
            if "demo.d" in path:
                continue
            with self.subTest(path), open(path, encoding="utf-8") as file:
                first = file.readline()
                named = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)\n", first)
                self.assertTrue(named, first)
                self.assertTrue(os.path.samefile(
                    os.path.join(os.path.dirname(path), named.group(1)),
                    os.path.join(TOP, "config", "drover.schema.json")))

    def test_all_configurations_in_documents_are_right(self):
        documents = [os.path.join(TOP, "README.md"), *glob.glob(os.path.join(TOP, "docs", "*.md"))]
        blocks = [(path, block) for path in documents for block in blocks_of(path)]
        self.assertGreater(len(blocks), 8)
        for path, block in blocks:
            with self.subTest(os.path.basename(path), block=block):
                self.assert_good(block, self.written(block))

    def test_bad_files_are_refused_by_both(self):
        for name, text in BAD.items():
            with self.subTest(name):
                self.assertTrue(self.complaints(text + "\n"), "the schema takes it")
                path = self.written(text + "\n")
                done = self.check(path)
                self.assertEqual(done.returncode, 2, "drover check takes it")
                self.assertRegex(done.stderr.splitlines()[0], r"farm\.yaml:\d+:\d+: \S")

    def test_what_only_the_checker_can_know(self):
        for text in ("builders: {b: {source: s, " + STEP + "}}", "hosts: {h: {}}\nhosts: {}",
                     "builders: {b: {requires: \"os = 'linux'\", " + STEP + "}}"):
            with self.subTest(text):
                self.assertEqual(self.check(self.written(text + "\n")).returncode, 2)

    def test_the_checker_tells_in_json_what_it_tells_in_lines(self):
        path = self.written("frm: x\nhosts: {h: {slots: 0}}\n")
        done = subprocess.run([os.path.join(PROGRAMS, "drover"), "check", "--json", path],
                              check=False, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=60)
        self.assertEqual(done.returncode, 2, done)
        said = json.loads(done.stdout)
        self.assertFalse(said["ok"])
        self.assertEqual([(one["file"], one["line"], one["column"]) for one in said["errors"]],
                         [(path, 1, 1), (path, 2, 20)])

    def test_warnings_do_not_fail(self):
        done = self.check(self.written(
            "hosts: {h1: {labels: {class: fast}}}\n"
            "builders: {b: {requires: \"class == 'fats'\", " + STEP + "}}\n"))
        self.assertEqual(done.returncode, 0, done)
        self.assertIn(":2:27: warning: no host of the config can serve: class == 'fats' is false "
                      "for h1\n", done.stderr)


if __name__ == "__main__":
    if "--bin" in sys.argv:
        at = sys.argv.index("--bin")
        PROGRAMS = os.path.abspath(sys.argv[at + 1])
        del sys.argv[at:at + 2]
    unittest.main(verbosity=2)
