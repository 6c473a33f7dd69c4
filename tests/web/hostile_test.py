#!/usr/bin/env python3
"""Everything that others can write, hostile, on every page of a real farm in a real browser.

SPDX-License-Identifier: Apache-2.0

Also what pages look like full: in light and dark, and whether they fit a phone. What it needs, and
where its pictures are: browser.py.
"""

import io
import os
import subprocess
import tarfile
import unittest.mock
import urllib.parse

import browser as chromium
from browser import HOSTILE, BrowserCase, wait_until, yaml_text
from sinks import free_port

ESCAPES = (r"printf '\033]8;;http://evil.example\007link\033]8;;\007\033[2J'; "
           r"printf '\033[31mred\033[0m\n'")
LOOKS = {"light": {}, "dark": {"dark": True}, "phone": {"width": 390},
         "phone-dark": {"width": 390, "dark": True}}


def quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


def file_name(text):
    return text.replace("/", "_")


PRINT = "\n".join(
    ["echo TAP version 13", f"echo 1..{len(HOSTILE)}", ESCAPES, "mkdir -p out"]
    + [f"printf '%s\\n' {quoted(text)}" for text in HOSTILE]
    + [f"printf 'not ok {number} - %s\\n' {quoted(text)}"
       for number, text in enumerate(HOSTILE, start=1)]
    + [f"echo x > out/{quoted(file_name(text))}" for text in HOSTILE]
    + ["echo 'x.c:1: error: <b>bad</b>'", "exit 3"])


class HostileWords(BrowserCase):
    hosts = 2
    slots = 2

    def setUp(self):
        self.config = f"""
farm: attic
hosts:
  h1: {{slots: 2, labels: {{room: {yaml_text(HOSTILE[0])}, shelf: {yaml_text(HOSTILE[1])}}}}}
  h2: {{slots: 2}}
sources:
  trunk: {{hg: FOLDER/trunk, branches: ["*"], every: 1h}}
  candidates: {{tarballs: FOLDER/incoming, match: "*.tar.gz", every: 1s}}
  gone: {{git: {yaml_text("FOLDER/" + HOSTILE[1])}, every: 1h}}
builders:
  hostile:
    source: [trunk, candidates]
    params: {{note: {{text: none, about: {yaml_text(HOSTILE[3])}}}}}
    steps: [{{name: print, run: {yaml_text(PRINT)}, tests: auto}}]
    artifacts: ["out/**"]
  second:
    source: [trunk, candidates]
    steps: [{{name: pass, run: "true"}}]
  nowhere:
    requires: "arch == 'vax'"
    steps: [{{name: never, run: "true"}}]
reporters:
  program:
    webhook: "http://127.0.0.1:{free_port()}/"
    on: [problem, recovery, finished]
users:
  anyone: {{roles: [view]}}
  ann: {{roles: [admin]}}
"""
        with unittest.mock.patch.object(BrowserCase, "up", lambda self, *words: None):
            super().setUp()
        os.makedirs(self.path("incoming"))
        os.makedirs(self.path("trunk"))
        self.hg("init", "--quiet")
        self.up("--config", self.path("farm.yaml"))

    def hg(self, *words):
        subprocess.run(["hg", *words], cwd=self.path("trunk"), check=True,
                       env=dict(os.environ, HGPLAIN="1"))

    def push(self, text, number):
        """A commit whose author, message and branch are the text, as far as hg takes them."""
        self.write("trunk/file", str(number))
        if ":" not in text and "\u202e" not in text:
            self.hg("branch", "--quiet", text)
        self.hg("commit", "--quiet", "--addremove", "-m", text, "-u", text + " <e@example.org>")

    def drop(self, text):
        name = file_name(text) + "-1.tar.gz"
        with tarfile.open(self.path("incoming/" + name) + ".part", "w:gz") as file:
            file.addfile(tarfile.TarInfo("top/x"), io.BytesIO())
        os.utime(self.path("incoming/" + name) + ".part", (1, 1))
        os.rename(self.path("incoming/" + name) + ".part", self.path("incoming/" + name))

    def fill_the_farm(self):
        for number, text in enumerate(HOSTILE[:5]):
            self.push(text, number)
        self.farm.text("sources", "--look", "trunk")
        for text in HOSTILE[:2]:
            self.drop(text)
        builds = [self.submit("hostile", "--param", "note=" + text, "--reason", text)
                  for text in HOSTILE]
        waits = self.submit("nowhere", "--reason", HOSTILE[0])
        self.farm.text("cancel", self.submit("nowhere"), "--reason", HOSTILE[1])
        self.farm.text("host", "h2", "drain", "--reason", HOSTILE[0])
        for build in builds:
            self.finished(build)

        def settled():
            found = self.farm.ask("campaigns")["campaigns"]
            return found if len(found) >= 3 and all(
                one["state"] == "finished" for one in found) else None
        self.campaigns = [one["id"] for one in wait_until(settled, 60, "campaigns are over")]
        wait_until(lambda: [one for one in self.farm.ask("notices")["notices"]
                            if one["last_error"]], 30, "a notice was tried")
        return builds, waits

    def pages(self, builds, waits):
        test = urllib.parse.quote(HOSTILE[0])
        notices = [one["id"] for one in self.farm.ask("notices")["notices"]]
        return (["/", "/builds", "/builders", "/builders/hostile", "/hosts", "/hosts/h1",
                 "/hosts/h2", "/events", "/queue", "/actors", "/campaigns", "/changes", "/notices",
                 "/builds?builder=" + urllib.parse.quote(HOSTILE[1]), f"/builds/{waits}",
                 f"/builders/hostile/tests?name={test}", f"/notices/{notices[0]}",
                 f"/builds/{builds[0]}/steps/print"]
                + [f"/builds/{build}" for build in builds]
                + [f"/campaigns/{campaign}" for campaign in self.campaigns])

    def test_nothing_that_others_write_runs_or_leads_away_and_every_page_fits_a_phone(self):
        self.make_account("ann")
        builds, waits = self.fill_the_farm()
        pages = self.pages(builds, waits)
        browser = self.open_browser()
        browser.open()
        self.sign_in(browser, "ann")
        for page in pages:
            with self.subTest(page):
                self.check_page(browser, page)
        self.check_words(browser, builds[0])
        self.check_that_the_guard_is_awake(browser)
        for look, how in LOOKS.items():
            browser.open(**how)
            if look == "light":
                self.sign_in(browser, "ann")
            for page in pages[:18]:
                browser.goto(url=self.web + page)
                wide = browser.eval(code="document.documentElement.scrollWidth - innerWidth")
                self.assertLessEqual(wide, 0, f"{page} in {look} is wider than its window")
                name = page.strip("/").split("?")[0].replace("/", "-") or "front"
                self.shot(browser, f"{name}-{look}", full=True)

    def check_page(self, browser, page):
        self.assertIn(browser.goto(url=self.web + page), (200, 404), page)
        browser.eval(code="for (const e of document.querySelectorAll('main *')) "
                          "e.dispatchEvent(new Event('mouseover', {bubbles: true}))")
        for bad in ("main img", "main script", "main iframe", "[onerror]", "[onmouseover]",
                    "[onload]", "a[href*=':']", "form[action*=':']"):
            self.assertEqual(browser.count(at=bad), 0, f"{bad} on {page}")
        self.assertEqual(browser.wrongs(), [], page)

    def check_words(self, browser, build):
        """What was written is there to be read: had it been left out, nothing was shown."""
        for page, places in {
                f"/builds/{build}/steps/print": [("#log", HOSTILE[0]), ("#log", "\\x1B]8;;")],
                f"/builds/{build}": [("main", HOSTILE[0]), ("main", file_name(HOSTILE[1]))],
                "/changes": [("main", HOSTILE[0]), ("main", HOSTILE[3]), ("#source-gone", "<img")],
                "/hosts/h1": [("main", HOSTILE[0]), ("main", HOSTILE[1])],
                "/hosts/h2": [("main", HOSTILE[0])],
                "/builders/hostile": [("#force", HOSTILE[3])],
                "/notices": [("main", "hostile")],
                f"/campaigns/{self.campaigns[0]}": [("h1", "good everywhere")]}.items():
            browser.goto(url=self.web + page)
            for at, text in places:
                self.assertIn(text, browser.text(at=at), page)
        browser.goto(url=f"{self.web}/builds/{build}/steps/print")
        self.assertEqual(browser.count(at="#log .f1"), 1, "a colour is a colour")

    def check_that_the_guard_is_awake(self, browser):
        """What gets into a page all the same does not run, and this test would have seen it."""
        browser.goto(url=self.web + "/")
        browser.eval(code="""(() => {
            const script = document.createElement('script');
            script.textContent = 'window.ran = 1';
            document.body.append(script);
            const image = document.createElement('div');
            image.innerHTML = '<img src=x onerror="window.ran = 1">';
            document.body.append(image);
        })()""")
        wait_until(lambda: [one for one in browser.wrongs() if one.startswith("CSP script-src")],
                   10, "the browser tells of what it refused")
        self.assertFalse(browser.eval(code="'ran' in window"))


if __name__ == "__main__":
    chromium.run()
