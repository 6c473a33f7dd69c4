"""A Chromium that tests tell what to do, and farms to show to it.

SPDX-License-Identifier: Apache-2.0

Needs Chromium and web/node_modules (playwright-core); without them `run` leaves with exit code 77
and the reason. DROVER_SHOTS=FOLDER keeps pictures.
"""

import json
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TOP, "tests", "e2e"))

import farm as e2e  # noqa: E402
from farm import FarmCase, wait_until, yaml_text  # noqa: E402, F401

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


class BrowserCase(FarmCase):
    """A farm whose pages are at `self.web` once a browser is open."""

    def open_browser(self):
        path = os.path.join(self.farm.folder, "coordinator", "web")
        with open(path, encoding="ascii") as file:
            self.web = f"http://{file.read().strip()}"
        browser = Browser()
        self.addCleanup(browser.end)
        return browser

    def make_account(self, name):
        subprocess.run([os.path.join(e2e.PROGRAMS, "drover"), "--farm", self.farm.address, "admin",
                        "user", "add", name, "--password-stdin"], input=b"correct horse\n",
                       stdout=subprocess.DEVNULL, check=True)

    def sign_in(self, browser, name):
        browser.goto(url=self.web + "/login")
        browser.fill(at="input[name=name]", text=name)
        browser.fill(at="input[name=password]", text="correct horse")
        browser.click(at="main button")
        browser.waitText(at=".visitor", text=name)

    def shot(self, browser, name, **how):
        folder = os.environ.get("DROVER_SHOTS")
        if folder:
            os.makedirs(folder, exist_ok=True)
            browser.shot(path=os.path.join(folder, name + ".png"), **how)


def run():
    for missing, what in ((CHROMIUM is None, "chromium is not installed"),
                          (not os.path.isdir(os.path.join(WEB, "node_modules", "playwright-core")),
                           "web/node_modules is not there (npm ci)"),
                          (shutil.which("node") is None, "node is not installed")):
        if missing:
            print("skipped: " + what)
            sys.exit(77)
    e2e.main()
