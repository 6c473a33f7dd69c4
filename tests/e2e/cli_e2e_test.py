#!/usr/bin/env python3
"""What scripts rely on: exit codes, JSON, plain output, watching, the journal, orders.

SPDX-License-Identifier: Apache-2.0
"""

import json
import os
import pty
import select
import signal
import socket
import ssl
import subprocess
import threading
import time

from farm import FarmCase, main, wait_until
import farm

CONFIG = """
farm: cli
builders:
  good:
    steps:
      - {name: one, run: "echo fine; echo kept > $DROVER_OUT/kept.txt"}
  bad:
    steps:
      - {name: one, run: "exit 3"}
  slow:
    steps:
      - {name: wait, run: GATED}
"""


class Proxy:
    """What nginx does in front of a farm: speaks TLS, and hands the bytes on to its socket."""

    def __init__(self, folder, socket_path):
        self.certificate = os.path.join(folder, "proxy.pem")
        key = os.path.join(folder, "proxy.key")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                        "-keyout", key, "-out", self.certificate], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        self.context, self.socket_path = context, socket_path
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return  # closed
            threading.Thread(target=self.hand_on, args=(plain,), daemon=True).start()

    def hand_on(self, plain):
        try:
            with self.context.wrap_socket(plain, server_side=True) as outside, \
                    socket.socket(socket.AF_UNIX) as inside:
                inside.connect(self.socket_path)
                inside.sendall(outside.recv(65536))
                while piece := inside.recv(65536):
                    outside.sendall(piece)
                outside.unwrap()
        except OSError:
            plain.close()  # the client did not trust us: that is what is tested


class CommandLine(FarmCase):
    config = CONFIG
    hosts = 1

    def setUp(self):
        self.config = CONFIG  # the gate's path is known only then
        super().setUp()

    def up(self, *options):
        path = self.path("farm.yaml")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace("GATED", self.gated("slow")))
        return super().up(*options)

    def start(self, *words):
        """A command that goes on; its output is a pipe."""
        process = subprocess.Popen(
            [os.path.join(farm.PROGRAMS, "drover"), "--farm", self.farm.address, *map(str, words)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
            bufsize=0)  # what is read is what `select` has seen
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def end(process):
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=30)

    def next_line(self, process, seconds=60):
        readable, _, _ = select.select([process.stdout], [], [], seconds)
        self.assertTrue(readable, "nothing was said in time")
        return process.stdout.readline().decode()

    def on_terminal(self, words, until, environment=None):
        """The bytes that the command writes to a terminal until `until` is among them; then
        Ctrl-C. Returns them and the exit code."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.environ.update({"TERM": "xterm", **(environment or {})})
            program = os.path.join(farm.PROGRAMS, "drover")
            os.execv(program, [program, "--farm", self.farm.address, *words])
        said, end = b"", time.monotonic() + 60
        while until not in said and time.monotonic() < end:
            if select.select([terminal], [], [], 1)[0]:
                try:
                    said += os.read(terminal, 65536)
                except OSError:
                    break
        os.kill(pid, signal.SIGINT)
        while True:
            try:
                piece = os.read(terminal, 65536)
            except OSError:
                break
            if not piece:
                break
            said += piece
        _, status = os.waitpid(pid, 0)
        os.close(terminal)
        self.assertIn(until, said)
        return said, os.waitstatus_to_exitcode(status)

    def test_each_exit_code_means_what_the_contract_says(self):
        self.assertEqual(self.farm.run("submit", "good", "--wait").returncode, 0)
        self.assertEqual(self.farm.run("submit", "bad", "--wait").returncode, 1)
        for wrong in (["submit", "goood"], ["build", "999"], ["bulids"], ["builds", "--limit", "x"],
                      ["host", "nobody"], ["get", "1"], ["events", "--kind", "nonsense"]):
            self.refused(*wrong, codes=(2,))
        self.refused("cancel", 1, codes=(4,))
        build = self.submit("slow")
        self.wait_for_start("slow")
        done = self.farm.run("build", build, "--wait", "--timeout", "0.2")
        self.assertEqual(done.returncode, 5, done.stderr)
        self.open_gate("slow")
        self.assertEqual(self.farm.run("build", build, "--wait").returncode, 0)
        self.farm.stop()
        self.refused("builds", codes=(3,))
        self.up()

    def test_what_was_probably_meant_is_said(self):
        for words, meant in ((["submit", "goood"], "good"), (["host", "h11"], "h1"),
                             (["builder", "sloww"], "slow"), (["hoosts"], "hosts"),
                             (["builds", "--satte", "x"], "--state"), (["why", "h11"], "h1"),
                             (["admin", "verfiy"], "verify")):
            self.assertIn(f"did you mean '{meant}'?", self.refused(*words))

    def test_json_has_its_fields_and_tables_have_no_escapes(self):
        self.farm.run("submit", "good", "--wait")
        for words, fields in ((["builds"], {"builds", "next"}),
                              (["build", 1], {"id", "builder", "state", "result", "reason",
                                              "source", "created_at", "finished_at", "steps"}),
                              (["why", 1], {"reason", "evidence"}),
                              (["campaigns"], {"campaigns", "next"}),
                              (["artifacts", 1], {"artifacts", "complete"}),
                              (["builders"], {"builders"}),
                              (["builder", "good"], {"name", "steps", "params", "on"}),
                              (["events"], {"events", "next", "last"}),
                              (["hosts"], {"hosts"}),
                              (["host", "h1"], {"name", "state", "slots", "facts", "restarts"}),
                              (["actors"], {"actors"}),
                              (["admin", "config", "list"], {"generations"}),
                              (["admin", "token", "list"], {"tokens"}),
                              (["admin", "audit"], {"events"})):
            answer = self.farm.ask(*words)
            self.assertLessEqual(fields, set(answer), words)
            text = self.farm.text(*words)
            self.assertTrue(text.strip(), words)
            self.assertNotIn("\x1b", text)
            self.assertIn("\x1b[", self.farm.text(*words, "--color", "always")
                          if words in (["builds"], ["hosts"], ["build", 1]) else "\x1b[")

    def test_https_is_spoken_with_whom_we_trust_and_with_nobody_else(self):
        proxy = Proxy(self.folder, self.farm.address)
        self.addCleanup(proxy.listener.close)
        token = self.farm.text("admin", "token", "create", "ann", "--role", "view").strip()
        def ask(host, **environment):
            return subprocess.run(
                [os.path.join(farm.PROGRAMS, "drover"), "--farm", f"https://{host}:{proxy.port}",
                 "hosts"], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
                env={**os.environ, "DROVER_TOKEN": token, "XDG_CONFIG_HOME": self.folder,
                     **environment})
        done = ask("localhost", DROVER_CA=proxy.certificate)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("h1", done.stdout)
        for refused in (ask("localhost"), ask("127.0.0.1", DROVER_CA=proxy.certificate)):
            self.assertEqual(refused.returncode, 3, refused.stderr)
            self.assertIn("can't be trusted", refused.stderr)
        done = ask("localhost", DROVER_CA=proxy.certificate, DROVER_TOKEN="a-wrong-one")
        self.assertEqual(done.returncode, 4, done.stderr)
        done = ask("localhost", DROVER_CA=self.path("nothing.pem"))
        self.assertEqual(done.returncode, 2, done.stderr)

    def test_a_watched_list_says_a_line_for_each_change(self):
        watching = self.start("builds", "--watch")
        self.assertIn("no builds", self.next_line(watching))
        build = self.submit("slow")
        lines = [self.next_line(watching)]
        while "running" not in lines[-1]:
            lines.append(self.next_line(watching))
        self.open_gate("slow")
        while "success" not in lines[-1]:
            lines.append(self.next_line(watching))
        self.assertEqual(lines[-1].split()[0], build)
        self.assertEqual(len(lines), len(set(lines)))

    def test_a_terminal_is_repainted_and_left_as_it_was(self):
        self.farm.run("submit", "good", "--wait")
        said, code = self.on_terminal(["builds", "--watch"], b"success")
        self.assertEqual(code, 130)
        self.assertTrue(said.startswith(b"\x1b[?25l"))
        self.assertTrue(said.endswith(b"\x1b[?25h"))
        self.assertNotIn(b"\x1b[2J", said)
        self.assertIn(b"\x1b[32m", said)
        said, _ = self.on_terminal(["builds", "--watch"], b"success", {"NO_COLOR": "1"})
        self.assertNotIn(b"\x1b[32m", said)

    def test_waiting_shows_the_step_on_a_terminal_and_not_when_quiet(self):
        said, _ = self.on_terminal(["submit", "slow", "--wait"], b"step wait (1 of 1) on h1")
        self.assertIn(b"\r", said)
        self.open_gate("slow")
        said, _ = self.on_terminal(["--quiet", "submit", "slow", "--wait"], b": success")
        self.assertNotIn(b"step wait", said)

    def test_the_journal_is_followed_through_a_restart_of_the_coordinator(self):
        following = self.start("events", "--follow", "--kind", "build_finished", "--json")
        self.farm.run("submit", "good", "--wait")
        first = json.loads(self.next_line(following))
        self.assertEqual((first["kind"], first["build"]), ("build_finished", 1))
        pid = self.farm.pid("coordinator")
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: self.farm.pid("coordinator") not in (None, pid), 30, "a new coordinator")
        wait_until(lambda: self.farm.run("submit", "good", "--wait").returncode == 0, 60,
                   "a build of the new coordinator")
        second = json.loads(self.next_line(following))
        self.assertEqual((second["kind"], second["builder"]), ("build_finished", "good"))
        self.assertGreater(second["sequence"], first["sequence"])

    def test_a_retry_is_a_build_of_its_own_and_a_host_obeys(self):
        self.farm.run("submit", "bad", "--wait")
        done = self.farm.run("retry", 1, "--wait", "--reason", "once more")
        self.assertEqual(done.returncode, 1, done.stderr)
        again = self.build(done.stdout.decode().strip())
        self.assertEqual((again["builder"], again["retry_of"]), ("bad", 1))
        self.farm.text("host", "h1", "drain", "--reason", "new disk", "--for", "2h")
        wait_until(lambda: self.farm.host("h1")["state"] == "draining", 20, "h1 drains")
        self.assertIn("new disk", self.farm.text("host", "h1"))
        self.refused("host", "h1", "drain", "--for", "soon")
        self.refused("host", "h1", "--for", "2h")
        self.farm.text("host", "h1", "resume")
        wait_until(lambda: self.farm.host("h1")["state"] == "up", 20, "h1 is up again")
        self.assertIn("new disk", self.farm.text("admin", "audit"))

    def test_a_token_is_made_shown_once_and_revoked(self):
        token = self.farm.text("admin", "token", "create", "ann", "--role", "view").strip()
        self.assertGreater(len(token), 20)
        rows = self.farm.ask("admin", "token", "list")["tokens"]
        self.assertEqual([(row["name"], row["role"]) for row in rows], [("ann", "view")])
        self.assertNotIn(token, json.dumps(rows))
        self.farm.text("admin", "token", "revoke", rows[0]["id"])
        self.assertEqual(self.farm.ask("admin", "token", "list")["tokens"], [])

    def test_configurations_are_compared_and_mistakes_are_all_said(self):
        with open(self.farm.folder + "/farm.yaml", "a", encoding="utf-8") as file:
            file.write("  more:\n    steps:\n      - {name: one, run: 'true'}\n")
        self.farm.text("admin", "reload", "--reason", "more")
        changed = self.farm.text("admin", "config", "diff")
        self.assertIn("+  more:", changed)
        self.assertNotIn("-  ", changed)
        with open(self.farm.folder + "/farm.yaml", "a", encoding="utf-8") as file:
            file.write("bilders: {}\nhotss: {}\n")
        done = self.farm.run("admin", "reload")
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"bilders", done.stderr)
        self.assertIn(b"hotss", done.stderr)


if __name__ == "__main__":
    main()
