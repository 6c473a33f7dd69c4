#!/usr/bin/env python3
"""Accounts, signing in and control by forms, over a real farm, with cookies as a browser has them.

SPDX-License-Identifier: Apache-2.0
"""

import http.client
import os
import pty
import re
import subprocess
import sys
import urllib.parse

import farm as e2e
from farm import FarmCase, main, wait_until

USERS = """
users:
  anyone: {roles: [view]}
  ann: {roles: [force], builders: ["check*"]}
  root: {roles: [admin]}
"""

CONFIG = """
farm: attic
builders:
  check:
    params:
      flags: {text: "-O2", about: "for the compiler"}
      mode: {choice: [debug, release], default: release}
      version: {text: , required: yes}
    steps: [{name: test, run: "echo flags=$flags mode=$mode version=$version"}]
  check-long:
    steps: [{name: wait, run: GATED}]
  docs:
    steps: [{name: test, run: "exit 3"}]
"""


class Browser:
    """Keeps cookies and the session's token, and says where a form is from."""

    def __init__(self, address):
        self.host, self.port = address.split(":")
        self.origin = f"http://{address}"
        self.cookies = {}
        self.csrf = None

    def ask(self, method, path, fields=None, origin=None):
        connection = http.client.HTTPConnection(self.host, int(self.port), timeout=30)
        try:
            headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())}
            body = None
            if fields is not None:
                body = urllib.parse.urlencode(fields)
                headers["Content-Type"] = "application/x-www-form-urlencoded"
                headers["Origin"] = origin or self.origin
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            text = answer.read().decode()
            for cookie in answer.headers.get_all("Set-Cookie") or []:
                name, value = cookie.split(";")[0].split("=", 1)
                self.cookies[name] = value
                if "Max-Age=0" in cookie:
                    del self.cookies[name]
            return answer.status, answer.getheader("Location"), text
        finally:
            connection.close()

    def get(self, path):
        status, _, text = self.ask("GET", path)
        return status, text

    def post(self, path, **fields):
        fields = {key.replace("__", "."): value for key, value in fields.items()}
        return self.ask("POST", path, {"csrf": self.csrf or "", **fields})

    def sign_in(self, name, password, onward="/"):
        status, location, text = self.ask(
            "POST", "/login", {"name": name, "password": password, "next": onward})
        found = re.search(r'name="csrf" value="([^"]+)"', self.get("/")[1])
        self.csrf = found and found[1]
        return status, location, text


class SignIn(FarmCase):
    config = CONFIG + USERS

    def write(self, name, content):
        if name == "farm.yaml":
            content = content.replace("GATED", self.gated("gate"))
        return super().write(name, content)

    def setUp(self):
        super().setUp()
        for name in ("ann", "root"):
            self.user("add", name, f"the password of {name}")

    def user(self, action, name, password, code=0):
        done = subprocess.run(
            [os.path.join(e2e.PROGRAMS, "drover"), "--farm", self.farm.address, "admin", "user",
             action, name, "--password-stdin"], input=password + "\n", capture_output=True,
            text=True, check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout + done.stderr

    def browser(self):
        with open(os.path.join(self.farm.folder, "coordinator", "web"), encoding="ascii") as file:
            return Browser(file.read().strip())

    def reload(self, users):
        with open(os.path.join(self.farm.folder, "farm.yaml"), encoding="utf-8") as file:
            text = file.read()
        with open(os.path.join(self.farm.folder, "farm.yaml"), "w", encoding="utf-8") as file:
            file.write(text[:text.index("users:")] + users)
        self.farm.text("admin", "reload")

    def test_signing_in_and_control(self):
        # One farm for all: most of a farm's time is its start.
        for check in (self.check_a_form_becomes_a_build_with_its_parameters,
                      self.check_a_running_build_is_cancelled_and_a_red_one_repeated,
                      self.check_rights_hold_by_builder,
                      self.check_a_host_is_drained_and_takes_work_again,
                      self.check_forms_from_elsewhere_do_nothing,
                      self.check_another_password_ends_the_session,
                      self.check_accounts_by_the_command_line,
                      self.check_sessions_outlive_the_coordinator,
                      self.check_viewing_is_closed_by_the_configuration):
            with self.subTest(check.__name__):
                check()

    def signed_in(self, name):
        browser = self.browser()
        status, location, text = browser.sign_in(name, f"the password of {name}")
        self.assertEqual((status, location), (303, "/"), text)
        self.assertTrue(browser.csrf)
        return browser

    def check_a_form_becomes_a_build_with_its_parameters(self):
        ann = self.signed_in("ann")
        page = ann.get("/builders/check")[1]
        for part in ('name="p.flags" value="-O2"', ">release</option>", "for the compiler",
                     "Where it would run", "At once, on"):
            self.assertIn(part, page)
        # What is missing is said on the page, and what was typed is kept.
        status, _, text = ann.post("/builders/check/force", reason="try", p__flags="-O0 -g")
        self.assertEqual(status, 400)
        self.assertIn("needs parameter", text)
        self.assertIn('value="-O0 -g"', text)
        status, location, text = ann.post("/builders/check/force", reason="try <this>",
                                          p__flags="-O0 -g", p__mode="debug", p__version="7")
        self.assertEqual(status, 303, text)
        build = self.finished(location.split("/")[-1])
        self.assertEqual(build["requested_by"], "ann")
        self.assertEqual(build["requested_because"], "try <this>")
        self.assertIn(b"flags=-O0 -g mode=debug version=7", self.farm.log(build["id"], "test"))

    def check_a_running_build_is_cancelled_and_a_red_one_repeated(self):
        ann = self.signed_in("ann")
        _, location, _ = ann.post("/builders/check-long/force", reason="long")
        self.wait_for_start("gate")
        status, _, text = ann.post(location + "/cancel")
        self.assertEqual(status, 400)
        self.assertIn("say why", text)
        self.assertEqual(ann.post(location + "/cancel", reason="wrong one")[0], 303)
        build = self.finished(location.split("/")[-1])
        self.assertEqual(build["result"], "cancelled")
        self.assertIn("wrong one", build["reason"])
        self.open_gate("gate")
        status, again, text = ann.post(location + "/retry", reason="the right one")
        self.assertEqual(status, 303, text)
        self.assertEqual(self.finished(again.split("/")[-1])["result"], "success")

    def check_rights_hold_by_builder(self):
        ann, root = self.signed_in("ann"), self.signed_in("root")
        self.assertNotIn("/builders/docs/force", ann.get("/builders/docs")[1])
        self.assertEqual(ann.post("/builders/docs/force", reason="x")[0], 403)
        status, location, _ = root.post("/builders/docs/force", reason="x")
        self.assertEqual(status, 303)
        self.finished(location.split("/")[-1])
        self.assertEqual(ann.post(location + "/retry", reason="x")[0], 403)

    def check_a_host_is_drained_and_takes_work_again(self):
        ann, root = self.signed_in("ann"), self.signed_in("root")
        self.assertEqual(ann.post("/hosts/h1/order", reason="x", action="drain")[0], 403)
        self.assertEqual(root.post("/hosts/h1/order", reason="new disk", action="drain")[0], 303)
        wait_until(lambda: self.farm.host("h1")["state"] == "draining", 20, "h1 is drained")
        self.assertEqual(self.farm.host("h1")["hold"]["by"], "root")
        self.assertEqual(root.post("/hosts/h1/order", reason="done", action="resume")[0], 303)
        wait_until(lambda: self.farm.host("h1")["state"] == "up", 20, "h1 takes work")

    def check_forms_from_elsewhere_do_nothing(self):
        root, ann = self.signed_in("root"), self.signed_in("ann")
        before = self.farm.ask("builds")["builds"]
        fields = {"reason": "x", "p.version": "1"}
        for token, origin in ((root.csrf, "https://evil.example"), (root.csrf, "null"),
                              (ann.csrf, None), ("", None)):
            status = root.ask("POST", "/builders/check/force", {"csrf": token, **fields}, origin)[0]
            self.assertEqual(status, 403)
        self.assertEqual(root.get("/builders/check/force?reason=x")[0], 303)
        self.assertEqual(self.farm.ask("builds")["builds"], before)

    def check_another_password_ends_the_session(self):
        ann = self.signed_in("ann")
        said = self.user("password", "ann", "quite another one")
        self.assertIn("ended", said)
        self.assertNotIn("Sign out", ann.get("/")[1])
        self.assertEqual(self.browser().sign_in("ann", "the password of ann")[0], 403)
        self.assertEqual(self.browser().sign_in("ann", "quite another one")[0], 303)
        self.user("password", "ann", "the password of ann")

    def check_accounts_by_the_command_line(self):
        self.assertIn("already", self.user("add", "ann", "long enough", code=4))
        self.assertIn("at least", self.user("add", "dan", "short", code=2))
        self.assertIn("no role yet", self.user("add", "zoe", "long enough"))
        listed = self.farm.text("admin", "user", "list")
        for part in ("ann", "check*", "anyone", "zoe"):
            self.assertIn(part, listed)
        self.assertIn("removed", self.farm.text("admin", "user", "remove", "zoe"))
        audit = self.farm.text("events", "--kind", "user_changed")
        self.assertIn("account zoe was removed", audit)
        self.assertNotIn("long enough", audit)
        self.assertIn("nothing was changed", self.ask_on_a_terminal("long enough", "long enouhg"))
        said = self.ask_on_a_terminal("on a terminal", "on a terminal")
        self.assertIn("account tim is made", said)
        self.assertNotIn("on a terminal", said)  # nothing is echoed

    def ask_on_a_terminal(self, first, second):
        """Types both passwords into `drover admin user add tim`; what the terminal showed."""
        child, terminal = pty.fork()
        if child == 0:
            os.execv(os.path.join(e2e.PROGRAMS, "drover"),
                     ["drover", "--farm", self.farm.address, "admin", "user", "add", "tim"])
        shown = b""
        for question, typed in ((b"Password for tim: ", first), (b"Once more: ", second)):
            while question not in shown:
                shown += os.read(terminal, 1000)
            os.write(terminal, typed.encode() + b"\n")
        try:
            while piece := os.read(terminal, 1000):
                shown += piece
        except OSError:
            pass  # how Linux tells that the other side is closed
        os.waitpid(child, 0)
        os.close(terminal)
        return shown.decode()

    def check_sessions_outlive_the_coordinator(self):
        ann = self.signed_in("ann")
        pid = self.farm.pid("coordinator")
        os.kill(pid, 9)
        wait_until(lambda: self.farm.pid("coordinator") not in (None, pid)
                   and self.farm.run("hosts").returncode == 0, 30, "the coordinator is back")
        self.assertIn("Sign out", ann.get("/")[1])

    def check_viewing_is_closed_by_the_configuration(self):
        guest, ann = self.browser(), self.signed_in("ann")
        self.assertEqual(guest.get("/builds")[0], 200)
        self.reload("users: {ann: {roles: [view]}}\n")
        status, location, _ = guest.ask("GET", "/builds?state=running")
        self.assertEqual(status, 303)
        self.assertEqual(location, "/login?next=%2Fbuilds%3Fstate%3Drunning")
        self.assertEqual(guest.get("/api/v1/builds")[0], 401)
        self.assertEqual(guest.get("/api/v1/events/stream")[0], 401)
        self.assertEqual(ann.get("/builds")[0], 200)
        self.assertEqual(ann.post("/builders/check/force", reason="x", p__version="1")[0], 403)
        status, location, _ = guest.sign_in("ann", "the password of ann", "/builds?state=running")
        self.assertEqual((status, location), (303, "/builds?state=running"))


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    main()
