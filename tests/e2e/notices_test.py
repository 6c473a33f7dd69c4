#!/usr/bin/env python3
"""Notices on a real farm: mail to aiosmtpd, read by Python's email package, and a signed webhook.

SPDX-License-Identifier: Apache-2.0
"""

import hashlib
import hmac
import json
import os
import re
import signal
import subprocess
import time
import unittest
import unittest.mock

from farm import FarmCase, main, wait_until
from sinks import HookSink, MailSink, free_port, text_of

SECRET = "a secret that nobody may see"


class Notices(FarmCase):
    config = """
farm: herd
sources:
  lib: {git: FOLDER/lib, branches: [main], every: 1h}
builders:
  check:
    source: lib
    steps: [{name: test, run: "cat version; grep -q good version"}]
reporters:
  people:
    mail: "smtp://127.0.0.1:MAILPORT"
    from: drover@example.org
    to: [dev@example.org, authors]
    on: [problem, recovery]
    url: "https://farm.example.org/"
  program:
    webhook: "http://127.0.0.1:HOOKPORT/hook"
    secret: {file: FOLDER/hook.key}
    on: [problem, recovery]
"""

    def setUp(self):
        ports = free_port(), free_port()
        self.config = (self.config.replace("MAILPORT", str(ports[0]))
                       .replace("HOOKPORT", str(ports[1])))
        self.mail = MailSink(ports[0])
        self.mail.start()
        self.addCleanup(self.mail.stop)
        self.hook = HookSink(ports[1])
        self.addCleanup(self.hook.stop)
        with unittest.mock.patch.object(FarmCase, "up", lambda self, *words: None):
            super().setUp()
        self.write("hook.key", SECRET + "\n")
        os.makedirs(self.path("lib"))
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit("good", "begin")
        self.up("--config", self.path("farm.yaml"))
        self.changes = 0
        self.built("success")

    def git(self, *words, author="Ann <ann@example.org>", **how):
        name, _, address = author.rpartition(" <")
        env = dict(os.environ, GIT_AUTHOR_NAME=name, GIT_AUTHOR_EMAIL=address.rstrip(">"),
                   GIT_COMMITTER_NAME="c", GIT_COMMITTER_EMAIL="c@example.org")
        subprocess.run(["git", *words], cwd=self.path("lib"), env=env, check=True,
                       stdout=subprocess.DEVNULL, **how)

    def commit(self, version, message, **how):
        with open(self.path("lib/version"), "w", encoding="utf-8", newline="") as file:
            file.write(version)
        self.git("add", "version")
        self.git("commit", "--quiet", "--cleanup=verbatim", "-F", "-", input=message.encode(),
                 **how)

    def api(self, path, method="GET"):
        done = subprocess.run(["curl", "-sS", "-X", method, "--unix-socket",
                               self.farm.folder + "/drover.sock",
                               "http://localhost/api/v1/" + path], check=True,
                              stdout=subprocess.PIPE)
        return json.loads(done.stdout)

    def built(self, result):
        """What was committed last, once it is built."""
        self.api("sources/lib/look", "POST")
        self.changes += 1

        def look():
            found = self.api("changes?source=lib")["changes"]
            return found[0] if len(found) >= self.changes and found[0]["builds"] else None
        change = wait_until(look, 30, "the change is seen")
        build = self.finished(str(change["builds"][0]))
        self.assertEqual(build["result"], result)
        return build

    def wait_for_mails(self, count):
        wait_until(lambda: len(self.mail.taken) >= count, 40, f"{count} mails")
        self.assertEqual(len(self.mail.taken), count)
        return self.mail.mails()

    def wait_for_posts(self, count):
        wait_until(lambda: len(self.hook.taken) >= count, 40, f"{count} posts")
        return self.hook.taken

    def settled(self):
        """All notices, once none waits."""
        def look():
            found = self.api("notices")["notices"]
            return found if found and all(one["state"] != "waiting" for one in found) else None
        return wait_until(look, 40, "no notice waits")

    def check_mail(self, mail, to):
        self.assertEqual(mail.defects, [])
        for name, value in mail.items():
            self.assertEqual(getattr(value, "defects", ()), (), name)
        self.assertEqual(mail["to"].addresses[0].addr_spec, to)
        self.assertEqual(mail["from"].addresses[0].addr_spec, "drover@example.org")
        self.assertEqual(mail["auto-submitted"], "auto-generated")
        self.assertEqual(mail["list-id"], "<people.herd.drover>")
        self.assertEqual(mail.get_content_type(), "text/plain")
        self.assertLess(abs(mail["date"].datetime.timestamp() - time.time()), 600)
        self.assertRegex(mail["message-id"], r"^<[A-Za-z0-9.-]+@example\.org>$")

    def check_post(self, post):
        fields, body = post
        signed = fields["X-Drover-Timestamp"].encode() + b"." + body
        mac = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
        self.assertEqual(fields["X-Drover-Signature"], "sha256=" + mac)
        self.assertEqual(fields["Content-Type"], "application/json")
        self.assertNotIn(SECRET, str(fields) + body.decode())
        return json.loads(body)

    def test_red_and_fixed_are_one_thread(self):
        # One push with the work of two: either may have broken it, and both are told.
        self.commit("good too", "tidy up", author="Carol <carol@example.org>")
        self.commit("bad", "break it")
        red = self.built("failure")
        self.assertEqual(self.api("changes?source=lib")["changes"][0]["author"], "Ann, Carol")
        problems = self.wait_for_mails(3)
        self.check_mail(problems[0], "dev@example.org")
        self.check_mail(problems[1], "ann@example.org")
        self.check_mail(problems[2], "carol@example.org")
        self.assertIn("[herd] check is red: step 'test' failed", problems[0]["subject"])
        text = text_of(problems[0])
        self.assertIn(f"Look: https://farm.example.org/builds/{red['id']}\n", text)
        self.assertIn("by Ann, Carol: break it (with 1 revision before it)", text)
        why = self.farm.text("why", str(red["id"])).splitlines()[0]
        self.assertEqual(text.splitlines()[0], why)
        self.assertNotIn("in-reply-to", problems[0])
        self.commit("bad too", "still not")
        self.built("failure")  # the same cause: nothing more is said
        self.commit("good", "fix it", author="Bob <bob@example.org>")
        self.built("success")
        mails = self.wait_for_mails(6)
        for mail in mails[3:]:
            self.assertIn("check is green again", mail["subject"])
            self.assertEqual(mail["in-reply-to"], problems[0]["message-id"])
            self.assertEqual(mail["references"], problems[0]["message-id"])
            self.assertNotEqual(mail["message-id"], problems[0]["message-id"])
        # Who heard of the problem hears of its end; who fixed it was not asked.
        self.assertEqual(sorted(mail["to"].addresses[0].addr_spec for mail in mails[3:]),
                         ["ann@example.org", "carol@example.org", "dev@example.org"])
        posts = [self.check_post(post) for post in self.wait_for_posts(2)]
        self.assertEqual([post["kind"] for post in posts], ["problem", "recovery"])
        self.assertEqual(posts[0]["builds"][0]["id"], red["id"])
        self.assertEqual(posts[0]["thread"], posts[1]["thread"])
        notices = self.settled()
        self.assertEqual({one["state"] for one in notices}, {"delivered"})
        self.assertIn("delivered", self.farm.text("notices"))
        whole = self.farm.text("notice", "1")
        self.assertIn("Look: https://farm.example.org/builds/", whole)
        names = {actor["name"] for actor in self.farm.ask("actors")["actors"]}
        self.assertLessEqual({"outbox", "reporter/people", "reporter/program"}, names)

    def test_nobody_is_there_and_the_coordinator_is_killed(self):
        self.mail.stop()
        self.hook.answers = [503] * 2
        self.commit("bad", "break it")
        self.built("failure")
        wait_until(lambda: [one for one in self.api("notices?state=waiting")["notices"]
                            if one["reporter"] == "people" and one["last_error"]], 30,
                   "a try has failed")
        before = self.farm.pid("coordinator")
        os.kill(before, signal.SIGKILL)
        wait_until(lambda: self.farm.pid("coordinator") not in (None, before), 30, "a new one")
        wait_until(lambda: self.farm.run("builds").returncode == 0, 30, "it answers")
        self.mail.start()
        mails = self.wait_for_mails(2)
        self.assertEqual(len({(mail["to"], mail["message-id"]) for mail in mails}), 2)
        self.assertEqual({one["state"] for one in self.settled()}, {"delivered"})
        posts = self.wait_for_posts(3)
        self.assertEqual(len({post[0]["X-Drover-Delivery"] for post in posts}), 1)
        for post in posts:
            self.check_post(post)

    def test_what_is_refused_for_good_fails_alone_and_can_be_tried_again(self):
        self.mail.refusals["ann@example.org"] = ["550 no such user"]
        self.hook.answers = [302]
        self.commit("bad", "break it")
        self.built("failure")
        notices = {one["to"][0] if one["to"] else "": one for one in self.settled()}
        self.assertEqual(notices["dev@example.org"]["state"], "delivered")
        self.assertEqual(notices["ann@example.org"]["state"], "failed")
        self.assertIn("550", notices["ann@example.org"]["last_error"])
        self.assertIn("redirects are not followed", notices[""]["last_error"])
        self.assertIn("2 notices are tried again",
                      self.farm.text("admin", "notices", "retry", "--failed"))
        self.assertEqual(len(self.wait_for_mails(2)), 2)
        self.assertEqual({one["state"] for one in self.settled()}, {"delivered"})
        self.assertIn("was delivered", self.farm.text("admin", "notices", "test", "people"))
        self.assertEqual(self.wait_for_mails(3)[2]["x-drover-kind"], "test")
        self.assertIn("there is no reporter 'nobody'",
                      self.refused("admin", "notices", "test", "nobody", codes=(2, 4)))

    def test_hostile_text_stays_text(self):
        evil = "\u202eBcc: all@example.org\u2028X-Evil: yes \x07" + "\u00e4" * 300
        self.commit("bad\r\nBcc: evil@example.org\r\n\r\n.\r\nQUIT\r\n",
                    "Subject: x\rBcc: all@example.org\x1b[31m\r\n" + evil,
                    author="Eve\u202e\rX-Evil: y <eve@example.org>")
        self.built("failure")
        mails = self.wait_for_mails(2)
        for mail, to in zip(mails, ("dev@example.org", "eve@example.org")):
            self.check_mail(mail, to)
            for name in ("bcc", "cc", "x-evil", "reply-to"):
                self.assertNotIn(name, mail)
            everything = str(mail["subject"]) + text_of(mail)
            self.assertIsNone(re.search("[\u202e\u2028\x00-\x09\x0b-\x1f]", everything))
        for _, content in self.mail.taken:
            for line in content.split(b"\r\n"):
                self.assertLessEqual(len(line), 998)
                self.assertNotIn(b"\r", line)
                self.assertNotIn(b"\n", line)
        self.check_post(self.wait_for_posts(1)[0])


if __name__ == "__main__":
    main(at_once=2)
