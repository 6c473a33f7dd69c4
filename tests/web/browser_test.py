#!/usr/bin/env python3
"""The pages in a real browser, over a real farm: live, hostile and without scripts.

SPDX-License-Identifier: Apache-2.0

Needs Chromium and web/node_modules (playwright-core); exit code 77 and the reason where they are
not.
DROVER_SHOTS=FOLDER keeps pictures.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import unittest
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TOP, "tests", "e2e"))

import farm as e2e  # noqa: E402
from farm import FarmCase, wait_until, yaml_text  # noqa: E402

WEB = os.path.join(TOP, "web")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

HOSTILE = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)' x='",
    "</title></style></textarea><svg/onload=alert(1)>",
    "javascript:alert(1)",
    "\u202egnp.exe \u2066x",
    "{{7*7}}${alert(1)}",
    "http://evil.example/ //evil.example/",
]
PRINT = "\n".join("printf '%s\\n' " + "'" + text.replace("'", "'\\''") + "'" for text in HOSTILE)
ESCAPES = "printf '\\033]8;;http://evil.example\\007link\\033]8;;\\007\\033[2J\\033[31mred\\033[0m\\n'"

HOSTILE_STEP = f"{PRINT}\n{ESCAPES}\necho 'x.c:1: error: <b>bad</b>'; exit 3"
LONG_STEP = "seq -f 'line %.0f of many' 1 400000; echo 'x.c:9: error: at the end'; exit 1"


class Browser:
    """One Chromium behind tests/web/browser.mjs."""

    def __init__(self):
        self.process = subprocess.Popen(
            ["node", os.path.join(HERE, "browser.mjs"), WEB, CHROMIUM],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")

    def __getattr__(self, order):
        def ask(**more):
            self.process.stdin.write(json.dumps({"order": order, **more}) + "\n")
            self.process.stdin.flush()
            said = self.process.stdout.readline()
            answer = json.loads(said or '{"ok": false, "error": "it died"}')
            if not answer["ok"]:
                raise AssertionError(f"{order} {more}: {answer['error']}")
            return answer["value"]
        return ask

    def end(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


class PagesInABrowser(FarmCase):
    hosts = 2
    slots = 2

    def setUp(self):
        self.config = f"""
farm: attic
builders:
  gated:
    params: {{note: {{text: none}}}}
    steps: [{{name: wait, run: {yaml_text('GATED')}}}]
  hostile:
    params: {{note: {{text: none}}}}
    steps: [{{name: print, run: {yaml_text(HOSTILE_STEP)}}}]
  long:
    steps: [{{name: print, run: "{LONG_STEP}"}}]
  nowhere:
    requires: "arch == 'vax'"
    steps: [{{name: never, run: "true"}}]
  asked:
    params:
      flags: {{text: "-O2", about: "for the compiler"}}
      mode: {{choice: [debug, release], default: release}}
      version: {{text: , required: yes, about: "what to build"}}
    steps: [{{name: wait, run: {yaml_text('ASKED')}}}]
users:
  anyone: {{roles: [view]}}
  ann: {{roles: [force]}}
"""
        super().setUp()

    def write(self, name, content):
        if name == "farm.yaml":
            content = content.replace('"GATED"', self.gated("gate"))
            content = content.replace('"ASKED"', self.gated("asked"))
        return super().write(name, content)

    def open_browser(self):
        path = os.path.join(self.farm.folder, "coordinator", "web")
        with open(path, encoding="ascii") as file:
            self.web = f"http://{file.read().strip()}"
        browser = Browser()
        self.addCleanup(browser.end)
        return browser

    def test_pages_in_a_browser(self):
        # One farm for all: most of a farm's time is its start. What kills its parts comes last.
        for check in (self.check_a_page_shows_a_build_run_and_its_log_grow_without_reloading,
                      self.check_somebody_signs_in_forces_watches_and_cancels,
                      self.check_nothing_that_others_write_runs_or_leads_away,
                      self.check_a_long_log_is_shown_in_windows_from_the_first_error_on,
                      self.check_every_page_says_the_same_without_scripts,
                      self.check_a_host_dies_and_comes_back_while_its_page_is_open,
                      self.check_the_coordinator_dies_and_the_page_says_so_and_goes_on):
            with self.subTest(check.__name__):
                check()

    def shot(self, browser, name):
        folder = os.environ.get("DROVER_SHOTS")
        if folder:
            os.makedirs(folder, exist_ok=True)
            browser.shot(path=os.path.join(folder, name + ".png"))

    def check_a_page_shows_a_build_run_and_its_log_grow_without_reloading(self):
        browser = self.open_browser()
        browser.open()
        browser.goto(url=self.web + "/")
        browser.waitText(at="#live", text="live")
        browser.eval(code="window.sameDocument = true")
        build = self.submit("gated", "--reason", "watch me")
        browser.waitText(at="main", text=f"gated #{build}", seconds=10)
        self.wait_for_start("gate")
        browser.goto(url=f"{self.web}/builds/{build}/steps/wait")
        browser.waitText(at="#log", text="attempt 1 waits")
        browser.eval(code="window.sameDocument = true")
        self.open_gate("gate")
        browser.waitText(at="#log", text="attempt 1 is done", seconds=10)
        browser.waitText(at="h1", text="success", seconds=10)
        browser.waitText(at="#logbar", text="complete", seconds=10)
        self.assertTrue(browser.eval(code="window.sameDocument"))
        self.shot(browser, "live-log")
        self.assertEqual(browser.wrongs(), [])

    def check_somebody_signs_in_forces_watches_and_cancels(self):
        subprocess.run([os.path.join(e2e.PROGRAMS, "drover"), "--farm", self.farm.address, "admin",
                        "user", "add", "ann", "--password-stdin"], input=b"correct horse\n",
                       check=True)
        for look in ({}, {"dark": True, "width": 390}):
            browser = self.open_browser()
            name = "-phone-dark" if look else ""
            browser.open(**look)
            browser.goto(url=self.web + "/builders/asked")
            self.assertEqual(browser.count(at="#force form"), 0)
            self.shot(browser, "builder-guest" + name)
            browser.click(at="#force a")
            browser.waitText(at="h1", text="Sign in")
            browser.fill(at="input[name=name]", text="ann")
            browser.fill(at="input[name=password]", text="wrong horse")
            browser.click(at="main button")
            browser.waitText(at="#wrong", text="wrong name or password")
            self.shot(browser, "sign-in" + name)
            browser.fill(at="input[name=password]", text="correct horse")
            browser.click(at="main button")
            browser.waitText(at="h1", text="asked")
            browser.fill(at="input[name='p.version']", text="7")
            browser.choose(at="select[name='p.mode']", value="debug")
            browser.fill(at="#force input[name=reason]", text="to see it")
            self.shot(browser, "force" + name)
            browser.click(at="#force button")
            browser.waitText(at="h1", text="asked #")
            build = browser.url().split("/")[-1]
            browser.waitText(at=".steps", text="running", seconds=20)
            browser.click(at=".steps .stepname")
            browser.waitText(at="#log", text="attempt 1 waits", seconds=20)
            browser.goto(url=f"{self.web}/builds/{build}")
            browser.eval(code="window.sameDocument = true")
            self.shot(browser, "build-running" + name)
            browser.fill(at="#cancel input[name=reason]", text="seen enough")
            browser.click(at="#cancel button")
            browser.waitText(at="h1", text="cancelled", seconds=20)
            browser.waitText(at="#retry", text="Retry", seconds=20)
            self.assertEqual(browser.count(at="#cancel"), 0)
            self.shot(browser, "build-over" + name)
            record = self.finished(build)
            self.assertEqual((record["requested_by"], record["params"]["mode"]), ("ann", "debug"))
            self.assertEqual(browser.wrongs(), [])
            browser.click(at=".visitor button")
            browser.waitText(at=".visitor", text="Sign in")
            self.assertEqual(browser.wrongs(), [])

    def check_a_host_dies_and_comes_back_while_its_page_is_open(self):
        browser = self.open_browser()
        browser.open()
        browser.goto(url=self.web + "/hosts")
        browser.waitText(at="#host-h1", text="up")
        browser.eval(code="window.sameDocument = true")
        pid = self.farm.pid("h1")
        restarts = self.farm.host("h1")["restarts"]
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: self.farm.pid("h1") not in (None, pid), 30, "h1 is started again")
        wait_until(lambda: self.farm.host("h1")["restarts"] > restarts
                   and self.farm.host("h1")["state"] == "up", 30, "h1 is back")
        browser.waitText(at="#host-h1", text="up", seconds=20)
        browser.waitText(at="#host-h1 td:nth-child(6)", text=str(restarts + 1), seconds=20)
        self.assertTrue(browser.eval(code="window.sameDocument"))
        self.assertEqual(browser.wrongs(), [])

    def check_the_coordinator_dies_and_the_page_says_so_and_goes_on(self):
        browser = self.open_browser()
        browser.open()
        browser.goto(url=self.web + "/")
        browser.waitText(at="#live", text="live")
        browser.eval(code="window.sameDocument = true")
        os.kill(self.farm.pid("coordinator"), signal.SIGKILL)
        wait_until(lambda: self.farm.run("hosts").returncode == 0, 30, "the coordinator is back")
        browser.waitText(at="#live", text="live", seconds=30)
        build = self.submit("nowhere")
        browser.waitText(at="main", text=f"nowhere #{build}", seconds=30)
        self.assertTrue(browser.eval(code="window.sameDocument"))
        self.assertEqual(browser.wrongs(), [])

    def check_nothing_that_others_write_runs_or_leads_away(self):
        browser = self.open_browser()
        browser.open()
        builds = [self.submit("hostile", "--param", "note=" + text, "--reason", text)
                  for text in HOSTILE]
        for build in builds:
            self.finished(build)
        pages = ["/", "/builds", "/builders", "/builders/hostile", "/hosts", "/hosts/h1", "/events",
                 "/queue", "/actors", "/campaigns", "/changes",
                 "/builds?builder=" + urllib.request.quote(HOSTILE[1])]
        pages += [f"/builds/{build}" for build in builds] + [f"/builds/{builds[0]}/steps/print"]
        for page in pages:
            self.assertIn(browser.goto(url=self.web + page), (200, 404), page)
            browser.eval(code="for (const e of document.querySelectorAll('main *')) "
                              "e.dispatchEvent(new Event('mouseover', {bubbles: true}))")
            for bad in ("main img", "main script", "main iframe", "[onerror]", "[onmouseover]",
                        "a[href*=':']"):
                self.assertEqual(browser.count(at=bad), 0, f"{bad} on {page}")
            self.assertEqual(browser.wrongs(), [], page)
        self.assertIn(HOSTILE[0], browser.text(at="#log"))
        self.assertIn("\\x1B]8;;", browser.text(at="#log"))
        self.assertEqual(browser.count(at="#log .f1"), 1)

    def check_a_long_log_is_shown_in_windows_from_the_first_error_on(self):
        browser = self.open_browser()
        browser.open()
        build = self.submit("long")
        self.finished(build)
        browser.goto(url=f"{self.web}/builds/{build}/steps/print")
        browser.waitText(at="#cause", text="x.c:9: error: at the end")
        browser.click(at="#cause")
        browser.waitText(at=".l.found", text="x.c:9: error: at the end")
        rows = browser.count(at=".l")
        browser.click(at="text=Load earlier lines")
        wait_until(lambda: browser.count(at=".l") > rows, 10, "earlier lines are there")
        self.assertLessEqual(browser.count(at=".l"), 20_000)
        browser.goto(url=f"{self.web}/builds/{build}/steps/print?at=0")
        browser.waitText(at="#o0", text="line 1 of many")
        self.assertEqual(browser.wrongs(), [])

    def check_every_page_says_the_same_without_scripts(self):
        browser = self.open_browser()
        build = self.submit("long")
        self.finished(build)
        browser.open(scripts=False, width=390)
        browser.goto(url=self.web + "/")
        browser.waitText(at="h1", text="long")
        self.shot(browser, "no-script-phone")
        browser.goto(url=f"{self.web}/builds/{build}/steps/print")
        browser.click(at="text=Earlier")
        browser.waitText(at="#moves", text="Later")
        text = f"{self.web}/builds/{build}/steps/print/log.txt"
        with urllib.request.urlopen(text, timeout=30) as answer:
            self.assertEqual(answer.read(), self.farm.log(build, "print"))


if __name__ == "__main__":
    for missing, what in ((CHROMIUM is None, "chromium is not installed"),
                          (not os.path.isdir(os.path.join(WEB, "node_modules", "playwright-core")),
                           "web/node_modules is not there (npm ci)"),
                          (shutil.which("node") is None, "node is not installed")):
        if missing:
            print("skipped: " + what)
            sys.exit(77)
    e2e.main()
