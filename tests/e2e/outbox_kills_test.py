#!/usr/bin/env python3
"""kill -9 of the coordinator at every step of the outbox: no notice is lost, none is told twice.

SPDX-License-Identifier: Apache-2.0

Mail goes to aiosmtpd, the webhook to a web server, IRC to ngircd; each kill is made by who is
asked, at a step of its protocol, or some milliseconds after a build has ended. A notice may come
twice only where the coordinator was killed right after it was taken and before it could have known:
then with the same Message-ID or X-Drover-Delivery.
DROVER_OUTBOX_KILLS and DROVER_OUTBOX_SEED choose another run; the seed is printed.
"""

import collections
import json
import os
import random
import re
import shutil
import signal
import tempfile
import threading
import time
import unittest.mock

from farm import FarmCase, main, wait_until
from farmctl import FarmError
from irc_people import Ngircd, Person, Proxy
from sinks import HookSink, MailSink, free_port

KILLS = int(os.environ.get("DROVER_OUTBOX_KILLS", "8"))
SEED = int(os.environ.get("DROVER_OUTBOX_SEED", "20261123"))
# What the record of a delivery may take to be durable, on a busy machine; and how long what was
# sent by one who is killed may be on its way.
UNKNOWN_SECONDS = 3.0
ON_ITS_WAY_SECONDS = 0.5
MAIL_STEPS = ["mail " + step for step in ("EHLO", "MAIL", "RCPT", "DATA", "QUIT")]
HOOK_STEPS = ["hook " + step for step in ("read", "taken", "answered")]
IRC_STEPS = ["irc said"]
NEWS_STEPS = ["build ended"]
STEPS = MAIL_STEPS + HOOK_STEPS + IRC_STEPS + NEWS_STEPS
DEATHS_BEFORE_A_PAUSE = 15
PEOPLE = ["ann@example.org", "bob@example.org"]


class Listener(Proxy):
    """Stands before ngircd and tells when the bot says something to the channel."""

    def __init__(self, port, heard):
        self.heard = heard
        super().__init__(port)

    def pump(self, source, sink, lost):
        try:
            while piece := source.recv(65536):
                sink.sendall(piece)
                if piece.startswith(b"PRIVMSG #builds") or b"\nPRIVMSG #builds" in piece:
                    self.heard()
        except OSError:
            pass  # one side has closed it
        for each in (source, sink):
            each.close()


class OutboxKills(FarmCase):
    config = """
farm: herd
builders:
  check:
    steps: [{name: test, run: "test ! -e FOLDER/broken"}]
reporters:
  people: {mail: "smtp://127.0.0.1:MAIL", from: drover@example.org, to: [ann@example.org,
           bob@example.org], on: [problem, recovery]}
  program: {webhook: "http://127.0.0.1:HOOK/", on: [problem, recovery]}
  channel: {irc: "irc://127.0.0.1:IRC", channels: ["#builds"], on: [problem, recovery]}
"""

    def setUp(self):
        self.random = random.Random(SEED)
        self.kills = []  # when each was made
        self.wanted = None  # the step at which the next one is to be made
        self.guard = threading.Lock()
        irc_folder = tempfile.mkdtemp(prefix="drover-irc-")
        os.chmod(irc_folder, 0o755)
        self.addCleanup(shutil.rmtree, irc_folder, ignore_errors=True)
        self.irc = Ngircd(irc_folder)
        self.irc.start()
        self.addCleanup(self.irc.kill)
        self.proxy = Listener(self.irc.port, lambda: self.reached("irc said"))
        self.addCleanup(self.proxy.close)
        self.mail = MailSink(free_port())
        self.mail.at_step = lambda step: self.reached("mail " + step)
        self.mail.start()
        self.addCleanup(self.mail.stop)
        self.hook = HookSink(free_port())
        self.hook.at_step = lambda step: self.reached("hook " + step)
        self.addCleanup(self.hook.stop)
        self.config = (self.config.replace("MAIL", str(self.mail.port))
                       .replace("HOOK", str(self.hook.port)).replace("IRC", str(self.proxy.port)))
        super().setUp()
        self.person = Person(self.irc.port, "ann")
        self.addCleanup(self.person.close)
        self.wait_for_the_bot()

    def wait_for_the_bot(self):
        def look():
            done = self.farm.run("actors", "--json")
            return done.returncode == 0 and any(
                one["name"] == "irc/channel" and ", in #builds" in one["state"]
                for one in json.loads(done.stdout)["actors"])
        wait_until(look, 60, "the bot is in its channel")

    def reached(self, step):
        """Called by whoever is spoken to, before it answers; from any thread."""
        with self.guard:
            if step != self.wanted:
                return
            self.wanted = None
            self.kill()

    def kill(self):
        pid = self.farm.pid("coordinator")
        os.kill(pid, signal.SIGKILL)
        self.kills.append(time.monotonic())

    def back(self, before):
        """Once the coordinator was killed and is there again."""
        wait_until(lambda: len(self.kills) > before, 90, "it is killed")
        wait_until(lambda: self.farm.run("builds").returncode == 0, 60, "it is back")

    def make(self, color):
        if color == "red":
            self.write("broken", "")
        else:
            os.unlink(self.path("broken"))
        return self.submit("check")

    def notices(self):
        return self.farm.ask("notices", "--limit", "500")["notices"]

    def told(self, count):
        """All notices, once so many are made and none waits."""
        def look():
            done = self.farm.run("notices", "--limit", "500", "--json")
            if done.returncode != 0:
                return None
            found = json.loads(done.stdout)["notices"]
            return found if len(found) >= count and all(
                one["state"] != "waiting" for one in found) else None
        return wait_until(look, 120, f"{count} notices are told")

    def test_at_every_step(self):
        print(f"seed {SEED}, {KILLS} kills")
        self.finished(self.submit("check"))  # green: a red one is news then
        steps = []
        while len(steps) < KILLS:
            steps += self.random.sample(STEPS, len(STEPS))
        for number, step in enumerate(steps[:KILLS], start=1):
            color = "red" if number % 2 else "green"
            before = len(self.kills)
            with self.guard:
                self.wanted = step if step != "build ended" else None
            build = self.make(color)
            if step == "build ended":
                self.finished(build)
                self.kill()  # where in its work the outbox is, nobody knows
            self.back(before)
            notices = self.told(4 * number)
            self.assertEqual(len(notices), 4 * number, f"after kill {number}, at {step}")
            self.assertEqual({one["state"] for one in notices}, {"delivered"}, step)
            if number % DEATHS_BEFORE_A_PAUSE == 0:  # `drover up` would wait a minute
                self.farm.stop()
                self.up()
            self.wait_for_the_bot()
            while self.person.read(0):  # who does not answer a PING is thrown out
                pass
        self.check(KILLS)

    def ask_for_help(self):
        """The bot has another nick until the server has noticed that its earlier self is dead."""
        for _ in range(12):
            try:
                return self.person.ask("drover: help", "I know help", seconds=5)
            except FarmError as why:
                last = why
        raise last

    def check(self, rounds):
        notices = self.notices()
        about = collections.Counter((one["reporter"], tuple(one["to"]), one["event"])
                                    for one in notices)
        self.assertEqual(set(about.values()), {1}, "a notice was made twice")
        # Mail: by address and Message-ID, once each; the number of the notice is in it.
        mails = collections.defaultdict(list)
        for mail, at in zip(self.mail.mails(), self.mail.times):
            mails[(mail["to"].addresses[0].addr_spec, mail["x-drover-notice"])].append(
                (at, mail["message-id"]))
        wanted = {(one["to"][0], str(one["id"])) for one in notices if one["reporter"] == "people"}
        self.assertEqual(set(mails), wanted, "mail was lost, or nobody's")
        self.assertEqual(len(wanted), rounds * len(PEOPLE))
        doubled = self.check_doubles("mail", mails)
        posts = collections.defaultdict(list)
        for (fields, body), at in zip(self.hook.taken, self.hook.times):
            posts[fields["X-Drover-Delivery"]].append((at, body))
        self.assertEqual(len(posts), rounds, "a post was lost")
        doubled += self.check_doubles("webhook", posts)
        self.ask_for_help()  # what was said twice has come by then
        said = [line for line in self.person.lines if re.search(r"#builds :check is (red|green)",
                                                                line)]
        self.assertGreaterEqual(len(said), rounds, "a line was lost: " + "\n".join(said))
        self.assertLessEqual(len(said), rounds + len(self.kills))
        colors = [re.search("is (red|green)", line)[1] for line in said]
        turns = [color for at, color in enumerate(colors) if at == 0 or colors[at - 1] != color]
        self.assertEqual(len(turns), rounds, "the channel heard them in another order")
        print(f"{len(self.kills)} kills: {len(wanted)} mails, {len(posts)} posts, {rounds} lines; "
              f"told twice because nobody could know: {doubled} mails and posts, "
              f"{len(said) - rounds} lines")

    def check_doubles(self, kind, deliveries):
        """What came more than once, each time because a kill came right after it was taken."""
        doubled = 0
        for what, times in deliveries.items():
            self.assertEqual(len({same for _, same in times}), 1, f"{kind} {what} is not the same")
            for (at, _), (again, _) in zip(times, times[1:]):
                doubled += 1
                self.assertTrue(
                    [kill for kill in self.kills
                     if at - ON_ITS_WAY_SECONDS <= kill <= min(again, at + UNKNOWN_SECONDS)],
                    f"{kind} {what} came again after {again - at:.2f} s, and nothing was killed")
        return doubled


if __name__ == "__main__":
    main()
