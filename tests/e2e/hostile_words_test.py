#!/usr/bin/env python3
"""What commits can hold, through every channel: mail, IRC, webhook, pages, API and command line.

SPDX-License-Identifier: Apache-2.0

Authors, messages and a build's first error are hostile; wherever people are told of them it stays
text: no line ends where we did not end it, nothing moves a terminal or turns its words around.
"""

import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest.mock
import urllib.request

from farm import FarmCase, main, wait_until
from irc_people import Ngircd, Person
from sinks import HookSink, MailSink, free_port, text_of

CORPUS = [
    "crlf\r\nBcc: evil@example.org\r\n\r\nbody\r\n.\r\nQUIT",
    "lf\nPRIVMSG #builds :injected\nQUIT :gone",
    "cr\rX-Evil: yes\rJOIN #evil",
    "escapes \x1b[2J\x1b]0;title\x07\x1b[31mred \x9b31m",
    "colours \x02bold\x02 \x0304,01red\x0f \x16\x1d\x1f \x01ACTION dances\x01",
    "turned \u202egnp.exe \u2066x\u2069 \u200f",
    "lines \u2028PRIVMSG #builds :injected \u2029 \x85 \x0b\x0c",
    "=?utf-8?q?Bcc:_evil=40example.org?= \ttab \x08\x08\x7f \ufeff",
    "long " + "\u00e4\U0001f40c" * 300,
]
# No text of ours has one of these: controls, ends of lines that are none, what turns words around.
BAD = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
OWN_FIELDS = {"date", "from", "to", "subject", "message-id", "in-reply-to", "references",
              "auto-submitted", "list-id", "x-drover-farm", "x-drover-kind", "x-drover-notice",
              "x-drover-builder", "x-drover-build", "x-drover-campaign", "x-drover-host",
              "mime-version", "content-type", "content-transfer-encoding"}


class HostileWords(FarmCase):
    config = """
farm: herd
sources:
  lib: {git: FOLDER/lib, branches: [main], every: 1h}
builders:
  check:
    source: lib
    params: {note: {text: none}}
    steps: [{name: test, run: "cat words; ! grep -q '^error' words"}]
reporters:
  people: {mail: "smtp://127.0.0.1:MAIL", from: drover@example.org, to: [dev@example.org],
           on: [problem, recovery]}
  program: {webhook: "http://127.0.0.1:HOOK/", on: [problem, recovery]}
  channel: {irc: "irc://127.0.0.1:IRC", channels: ["#builds"], on: [problem, recovery]}
"""

    def setUp(self):
        irc_folder = tempfile.mkdtemp(prefix="drover-irc-")
        os.chmod(irc_folder, 0o755)  # ngircd gives up root
        self.addCleanup(shutil.rmtree, irc_folder, ignore_errors=True)
        self.irc = Ngircd(irc_folder)
        self.irc.start()
        self.addCleanup(self.irc.kill)
        self.mail = MailSink(free_port())
        self.mail.start()
        self.addCleanup(self.mail.stop)
        self.hook = HookSink(free_port())
        self.addCleanup(self.hook.stop)
        self.config = (self.config.replace("MAIL", str(self.mail.port))
                       .replace("HOOK", str(self.hook.port)).replace("IRC", str(self.irc.port)))
        with unittest.mock.patch.object(FarmCase, "up", lambda self, *words: None):
            super().setUp()
        os.makedirs(self.path("lib"))
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit("begin", "good")
        self.person = Person(self.irc.port, "ann")
        self.addCleanup(self.person.close)
        self.up("--config", self.path("farm.yaml"))
        wait_until(lambda: ", in #builds" in self.farm.text("actors"), 60, "the bot is there")
        wait_until(lambda: self.farm.ask("changes")["changes"], 30, "the first change")
        self.finished("1")

    def git(self, *words, **how):
        done = subprocess.run(["git", *words], cwd=self.path("lib"), check=True,
                              stdout=subprocess.PIPE, **how)
        return done.stdout.decode().strip()

    def commit(self, text, content):
        """A commit as no `git commit` would make it: author and message are the text's bytes."""
        self.write("lib/words", content)
        self.git("add", "words")
        parent = subprocess.run(["git", "rev-parse", "--verify", "-q", "HEAD"], check=False,
                                cwd=self.path("lib"), stdout=subprocess.PIPE).stdout.decode()
        # An author ends with its line: git itself gives it no more.
        author = text.split("\n")[0] + " <eve@example.org>"
        lines = [f"tree {self.git('write-tree')}"]
        lines += [f"parent {parent.strip()}"] if parent else []
        lines += [f"author {author} 1700000000 +0000",
                  "committer c <c@example.org> 1700000000 +0000"]
        made = self.git("hash-object", "-t", "commit", "-w", "--stdin", "--literally",
                        input=("\n".join(lines) + "\n\n" + text).encode())
        self.git("update-ref", "refs/heads/main", made)

    def built(self, result):
        before = len(self.farm.ask("changes")["changes"])
        self.farm.text("sources", "--look", "lib")
        change = wait_until(lambda: (found := self.farm.ask("changes")["changes"])
                            and len(found) > before and found[0]["builds"] and found[0], 30,
                            "the change is there")
        build = self.finished(str(change["builds"][0]))
        self.assertEqual(build["result"], result)
        return str(build["id"])

    def check_text(self, text, where):
        bad = BAD.search(text)
        near = bad and text[max(0, bad.start() - 80):bad.end() + 20]
        self.assertIsNone(bad, f"{where}: {near!r}")

    def test_words_of_commits_and_logs_stay_words_in_every_channel(self):
        builds = []
        for text in CORPUS:
            self.commit(text, f"error: {text}\n")
            builds.append(self.built("failure"))
            self.commit("mended: " + text, "good\n")
            builds.append(self.built("success"))
        builds.append(self.submit("check", "--reason", CORPUS[0], "--param", "note=" + CORPUS[3]))
        self.finished(builds[-1])
        told = 2 * len(CORPUS)
        wait_until(lambda: len(self.mail.taken) >= told and len(self.hook.taken) >= told, 60,
                   "all is told")
        self.person.wait_for(lambda _: self.person.heard("#builds :check is") >= told,
                             "all lines are said")
        self.check_mails(told)
        self.check_posts(told)
        self.check_lines(told)
        self.check_commands(builds)
        self.check_pages(builds)

    def check_mails(self, told):
        mails = self.mail.mails()
        self.assertEqual(len(mails), told)
        for mail, (to, content) in zip(mails, self.mail.taken):
            self.assertEqual(to, ["dev@example.org"])
            self.assertEqual(mail.defects, [])
            self.assertLessEqual({name.lower() for name in mail.keys()}, OWN_FIELDS)
            self.check_text(str(mail["subject"]), "a subject")
            self.check_text(text_of(mail), "a mail")
            for line in content.split(b"\r\n"):
                self.assertLessEqual(len(line), 998)
                self.assertIsNone(re.search(rb"[\r\n\x00]", line))
        self.assertIn("crlf\\x0D", "".join(text_of(mail) for mail in mails))

    def check_posts(self, told):
        self.assertEqual(len(self.hook.taken), told)
        for fields, body in self.hook.taken:
            self.assertIsNone(re.search(rb"[\x00-\x1f\x7f]", body))
            self.assertFalse({"Bcc", "X-Evil"} & set(fields))
            said = json.loads(body)
            self.check_text(said["subject"], "a post's subject")

    def check_lines(self, told):
        self.person.ask("drover: why check", "build")
        self.person.ask("drover: last", "build")
        own = [line for line in self.person.lines if line.startswith(":drover!")]
        self.assertGreaterEqual(len(own), told)
        for line in own:
            self.check_text(line, "a line")
            self.assertRegex(line, r"^:drover!\S+ (PRIVMSG #builds :|JOIN )")
            self.assertLessEqual(len(line.encode()), 510)
            self.assertNotRegex(line, "^[^ ]+ PRIVMSG #builds :(injected|\x01)")

    def check_commands(self, builds):
        for words in (["builds"], ["changes"], ["events", "--limit", "500"], ["notices"],
                      ["sources"], ["actors"], ["notice", "1"], ["why", builds[0]],
                      ["build", builds[0]], ["build", builds[-1]], ["log", builds[0], "test"]):
            done = self.farm.run(*words)
            self.assertIn(done.returncode, (0, 1), words)
            self.check_text(done.stdout.decode(), f"drover {words}")

    def check_pages(self, builds):
        with open(os.path.join(self.farm.folder, "coordinator", "web"), encoding="ascii") as file:
            web = f"http://{file.read().strip()}"
        for page in ["/", "/changes", "/builds", "/events", "/notices", "/notices/1", "/actors",
                     "/builders/check", f"/builds/{builds[0]}/steps/test"] + [
                         f"/builds/{build}" for build in builds]:
            with urllib.request.urlopen(web + page, timeout=30) as answer:
                fields = {name.lower() for name, _ in answer.getheaders()}
                self.assertFalse({"bcc", "x-evil"} & fields)
                self.check_text(answer.read().decode(), page)


if __name__ == "__main__":
    main()
