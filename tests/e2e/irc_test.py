#!/usr/bin/env python3
"""The IRC bot with a real ngircd (plain and TLS), and accounts with a scripted server.

SPDX-License-Identifier: Apache-2.0
"""

import os
import shutil
import subprocess
import tempfile

import farm
from farm import FarmCase, wait_until
from irc_people import Ngircd, Person, Proxy, ScriptedServer, make_certificate

BUILDERS = """
builders:
  quick:
    steps:
      - name: test
        run: "test ! -e FOLDER/broken || { echo 'error: a seam is open'; exit 3; }"
  slow:
    steps: [{name: wait, run: GATED}]
"""


def reporter(url, more=""):
    return ("reporters:\n  channel: {irc: \"" + url + "\", channels: [\"#builds\"], "
            "on: [problem, recovery]" + more + "}\n")


class IrcCase(FarmCase):
    """A farm whose bot speaks to the server that `open_server` starts; gives the reporter."""

    users = ""

    def open_server(self):
        self.server = Ngircd(self.folder_of_server)
        self.server.start()
        return reporter(f"irc://127.0.0.1:{self.server.port}")

    def setUp(self):
        self.folder_of_server = tempfile.mkdtemp(prefix="drover-irc-")
        os.chmod(self.folder_of_server, 0o755)  # ngircd gives up root before it reads its keys
        self.addCleanup(shutil.rmtree, self.folder_of_server, ignore_errors=True)
        text = self.open_server()
        self.addCleanup(self.close_server)
        self.config = text + BUILDERS + self.users
        super().setUp()

    def up(self, *options):
        # The gated step needs the folder, which is there only now.
        text = self.config.replace("FOLDER", self.folder).replace("GATED", self.gated("slow"))
        self.write("farm.yaml", text)
        return super().up(*options)

    def close_server(self):
        self.server.kill()

    def state(self):
        for one in self.farm.ask("actors")["actors"]:
            if one["name"] == "irc/channel":
                return one["state"]
        return ""

    def wait_for_state(self, part, seconds=60):
        wait_until(lambda: part in self.state(), seconds, f"the bot's state has {part!r}")

    def person(self, nick, **more):
        made = Person(self.server.port, nick, **more)
        self.addCleanup(made.close)
        return made


class Commands(IrcCase):

    def test_people_ask_and_the_bot_answers(self):
        self.wait_for_state(", in #builds")
        ann = self.person("ann")
        ann.ask("drover: help", "I know help, list, status")
        ann.ask("drover: help force", "force BUILDER")
        ann.ask("Drover, list builders", "quick (not built yet), slow (not built yet)")
        ann.ask("drover: list hosts", "h1 (")
        ann.ask("drover: status", "no builder is red")
        first = self.submit("quick")
        self.finished(first)
        self.write("broken", "")
        second = self.submit("quick")
        self.finished(second)
        ann.ask("drover: status", f"build {second} of quick failed")
        ann.ask("drover: last quick", f"build {first} of quick")
        ann.ask(f"drover: why {second}", "exit code 3")
        ann.ask("drover: why quick", "a seam is open")
        ann.ask("drover: why h1", "host h1")
        ann.ask("drover: host h1", "slots used")
        ann.ask("drover: fly", "I don't know 'fly'")

    def test_a_watched_build_is_told_when_it_ends(self):
        self.wait_for_state(", in #builds")
        ann = self.person("ann")
        build = self.submit("slow")
        self.wait_for_start("slow")
        ann.ask("drover: watch slow", f"watching: build {build} of slow")
        self.open_gate("slow")
        ann.wait_for(lambda line: f"PRIVMSG #builds :ann: build {build} of slow" in line
                     and "watching" not in line, "the end of the build")

    def test_without_an_account_nothing_is_ordered_and_private_questions_are_refused(self):
        self.wait_for_state(", in #builds")
        ann = self.person("boss")  # the name of a user: a nick proves nothing
        ann.ask("drover: force quick please", "not signed in")
        ann.ask("drover: stop 1 please", "there is no build 1")
        ann.ask("status", "not signed in", target="drover")
        ann.ask("help", "I know help", target="drover")
        self.assertEqual(self.farm.ask("builds")["builds"], [])

    def test_what_others_write_can_not_command_the_server(self):
        self.wait_for_state(", in #builds")
        ann = self.person("ann")
        evil = "x\r\nPRIVMSG #builds :injected\r\nQUIT :gone\x02\x034,4 \u2028NICK evil\u202e"
        self.write("broken", "")
        build = self.submit("quick", "--reason", evil)
        self.finished(build)
        slow = self.submit("slow", "--reason", evil)
        self.wait_for_start("slow")
        self.farm.run("cancel", slow, "--reason", evil)
        self.finished(slow)
        said = ann.ask(f"drover: why {slow}", f"build {slow}")
        self.assertNotIn("\x02", said)
        ann.ask("drover: last", f"build {build}")
        ann.ask("drover: list builders", "quick")
        for line in ann.lines:
            self.assertFalse(line.endswith(":injected"), line)
            self.assertNotIn("QUIT", line.split(" ")[1:2], line)
            self.assertNotIn("NICK", line.split(" ")[1:2], line)

    def test_another_configuration_is_another_bot(self):
        self.wait_for_state(", in #builds")
        ann = self.person("ann")
        path = os.path.join(self.farm.folder, "farm.yaml")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace("on: [problem, recovery]", "nick: shepherd"))
        self.farm.text("admin", "reload")
        ann.wait_for(lambda line: line.startswith(":shepherd!") and " JOIN " in line, "the new bot")
        ann.ask("shepherd: help", "I know help", bot="shepherd")
        with open(path, "w", encoding="utf-8") as file:
            file.write("farm: silent\n")
        self.farm.text("admin", "reload")
        ann.wait_for(lambda line: line.startswith(":shepherd!") and " QUIT " in line, "its end")
        wait_until(lambda: self.state() == "", 30, "the bot is gone")


class FirstComers(IrcCase):
    """People who were there before the bot."""

    def open_server(self):
        text = super().open_server()
        self.ann = self.person("ann")  # the first one in a channel rules it
        self.thief = self.person("drover")
        return text

    def test_a_nick_that_is_taken_is_taken_back_when_it_is_free(self):
        self.wait_for_state("as drover_ (drover is taken), in #builds")
        self.ann.ask("drover_: help", "I know help", bot="drover_")
        self.thief.close()
        self.ann.wait_for(lambda line: line.startswith(":drover_!") and " NICK " in line,
                          "the bot takes its nick")
        self.ann.ask("drover: help", "I know help")

    def test_a_bot_that_was_kicked_comes_back(self):
        self.wait_for_state(", in #builds")
        self.ann.say_line("KICK #builds drover_ :out")
        self.wait_for_state("not in #builds: kicked by ann (out)")
        self.wait_for_state(", in #builds")
        self.ann.ask("drover_: help", "I know help", bot="drover_")


class Notices(IrcCase):

    def open_server(self):
        super().open_server()
        self.proxy = Proxy(self.server.port)
        self.addCleanup(self.proxy.close)
        self.ann = self.person("ann")
        return reporter(f"irc://127.0.0.1:{self.proxy.port}")

    def make(self, color):
        """A build of `quick` that is red or green, up to its end."""
        if color == "red":
            self.write("broken", "")
        elif os.path.exists(self.path("broken")):
            os.unlink(self.path("broken"))
        build = self.submit("quick")
        self.finished(build)
        return build

    def hear(self, text, person=None, seconds=90):
        person = person or self.ann
        person.wait_for(lambda line: " PRIVMSG #builds :" + text in line, text, seconds)
        # What was said twice would come with what is answered now.
        person.ask("drover: help", "I know help")
        self.assertEqual(person.heard("#builds :" + text), 1)

    def test_a_red_and_a_fixed_builder_are_told_once(self):
        self.wait_for_state(", in #builds")
        self.make("green")
        self.make("red")
        self.hear("quick is red")
        self.make("red")
        self.make("green")
        self.hear("quick is green again")
        self.assertEqual(self.ann.heard("quick is red"), 1)

    def test_what_happened_while_the_server_was_away_is_told_once(self):
        self.wait_for_state(", in #builds")
        self.make("green")
        self.proxy.shut()
        self.server.kill()
        self.wait_for_state("retrying in")
        self.make("red")
        self.server.start()
        ann = self.person("ann")
        self.proxy.mode = "open"
        self.hear("quick is red", ann)

    def test_what_a_dead_connection_swallowed_is_told_once_by_the_next(self):
        self.wait_for_state(", in #builds")
        self.make("green")
        self.proxy.mode = "frozen"
        self.make("red")
        wait_until(lambda: ", in #builds" not in self.state(), 60, "the bot gives it up")
        self.proxy.shut()
        self.proxy.mode = "open"
        self.hear("quick is red")

    def test_what_happened_while_the_coordinator_was_killed_is_told_once(self):
        self.wait_for_state(", in #builds")
        self.make("green")
        self.write("broken", "")
        build = self.submit("quick")
        os.kill(self.farm.pid("coordinator"), 9)
        wait_until(lambda: self.farm.run("build", build).returncode in (0, 1), 60,
                   "the coordinator is back")
        self.finished(build)
        self.hear("quick is red")


class Encrypted(IrcCase):

    def open_server(self):
        self.keys = make_certificate(self.folder_of_server)
        subprocess.run(["chmod", "a+r", *self.keys], check=True)
        self.server = Ngircd(self.folder_of_server, self.keys)
        self.server.start()
        return reporter(f"ircs://127.0.0.1:{self.server.tls_port}", f", ca: {self.keys[0]}")

    def test_over_tls_with_a_ca_of_our_own(self):
        self.wait_for_state(", in #builds")
        self.person("ann").ask("drover: help", "I know help")


class Distrusted(IrcCase):

    def open_server(self):
        self.keys = make_certificate(self.folder_of_server)
        subprocess.run(["chmod", "a+r", *self.keys], check=True)
        self.server = Ngircd(self.folder_of_server, self.keys)
        self.server.start()
        return reporter(f"ircs://127.0.0.1:{self.server.tls_port}")

    def test_a_server_that_nobody_vouches_for_is_not_spoken_to(self):
        self.wait_for_state("its certificate:")


class Misnamed(Encrypted):

    def open_server(self):
        self.keys = make_certificate(self.folder_of_server, name="irc.example.org")
        subprocess.run(["chmod", "a+r", *self.keys], check=True)
        self.server = Ngircd(self.folder_of_server, self.keys)
        self.server.start()
        return reporter(f"ircs://127.0.0.1:{self.server.tls_port}", f", ca: {self.keys[0]}")

    def test_over_tls_with_a_ca_of_our_own(self):
        self.wait_for_state("its certificate: IP address mismatch")


class Locked(IrcCase):
    """A server that only who knows its password may enter."""

    password = "open sesame"

    def open_server(self):
        keys = make_certificate(self.folder_of_server)
        subprocess.run(["chmod", "a+r", *keys], check=True)
        self.server = Ngircd(self.folder_of_server, keys, "open sesame")
        self.server.start()
        kept = os.path.join(self.folder_of_server, "password")
        with open(kept, "w", encoding="ascii") as file:
            file.write(self.password + "\n")
        return reporter(f"ircs://127.0.0.1:{self.server.tls_port}",
                        f", ca: {keys[0]}, password: {{file: {kept}}}")

    def test_the_password_of_a_server_opens_it(self):
        self.wait_for_state(", in #builds")
        self.person("ann", password=self.password).ask("drover: help", "I know help")


class LockedOut(Locked):
    password = "open barley"

    def test_the_password_of_a_server_opens_it(self):
        self.wait_for_state("assword")


class Accounts(IrcCase):
    """With a scripted server, since ngircd has no accounts."""

    users = """
users:
  ann: {roles: [force], builders: [quick], irc: ann_account}
  boss: {roles: [admin], irc: boss}
  vera: {roles: [view], irc: vera}
"""
    capabilities = "sasl=PLAIN account-tag"

    def open_server(self):
        keys = make_certificate(self.folder_of_server)
        password = os.path.join(self.folder_of_server, "password")
        with open(password, "w", encoding="ascii") as file:
            file.write("hush\n")
        self.server = ScriptedServer(None, {"bot": "hush"}, self.capabilities)
        self.secure = ScriptedServer(keys, {"bot": "hush"}, self.capabilities)
        # People come without TLS, the bot with it: one server on two ports.
        self.server.clients = self.secure.clients = []
        self.server.lock = self.secure.lock
        return reporter(f"ircs://127.0.0.1:{self.secure.port}",
                        f", ca: {keys[0]}, user: bot, password: {{file: {password}}}")

    def close_server(self):
        self.server.close()
        self.secure.close()

    def signed_in(self, nick, account):
        someone = self.person(nick)
        someone.say_line(f"ACCOUNT {account}")
        return someone

    def test_orders_are_by_account_and_within_its_rights(self):
        self.wait_for_state(", in #builds")
        self.assertIn(("drover", "AUTHENTICATE PLAIN"), self.secure.seen)
        ann = self.signed_in("ann_at_home", "ann_account")
        ann.ask("drover: force quick to see the bot", "is on its way")
        ann.wait_for(lambda line: "ann_at_home: build 1 of quick" in line and "way" not in line,
                     "the end of what was forced")
        build = self.build(1)
        self.assertEqual((build["requested_by"], build["requested_because"]),
                         ("irc:ann", "to see the bot"))
        ann.ask("drover: force slow please", "you (ann) may not order builds of 'slow'")
        thief = self.person("ann")
        thief.ask("drover: force quick please", "not signed in")
        vera = self.signed_in("vera", "vera")
        vera.ask("drover: force quick please", "you (vera) may not order")
        vera.ask("status", "hosts here: 1 of 1", target="drover")
        boss = self.signed_in("chief", "boss")
        boss.ask("drover: retry 1 once more", "build 2 is on its way")
        boss.ask("drover: force slow for long", "build 3 is on its way")
        self.wait_for_start("slow")
        boss.ask("drover: stop 3", "please say why")
        boss.ask("drover: stop 3 enough", "build 3")
        self.assertEqual(self.finished(3)["result"], "cancelled")
        self.assertEqual(len(self.farm.ask("builds")["builds"]), 3)


class AccountsByWhois(Accounts):
    """A server without account-tag: the bot asks for the account of who orders."""

    capabilities = "sasl=PLAIN"


if __name__ == "__main__":
    farm.main(at_once=3)
