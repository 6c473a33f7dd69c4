#!/usr/bin/env python3
"""The pages in a real browser, over a real farm: live, with orders, and without scripts.

SPDX-License-Identifier: Apache-2.0

What it needs, and where its pictures are: browser.py.
"""

import os
import signal
import urllib.request

import browser as chromium
from browser import BrowserCase, wait_until, yaml_text
from farm import agent_of

LONG_STEP = "seq -f 'line %.0f of many' 1 400000; echo 'x.c:9: error: at the end'; exit 1"


class PagesInABrowser(BrowserCase):
    hosts = 2
    slots = 2

    def setUp(self):
        self.config = f"""
farm: attic
builders:
  gated:
    params: {{note: {{text: none}}}}
    steps: [{{name: wait, run: {yaml_text('GATED')}}}]
  long:
    steps: [{{name: print, run: "{LONG_STEP}"}}]
  healed:
    steps: [{{name: wait, run: {yaml_text('HEALED')}}}]
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
            content = content.replace('"HEALED"', self.gated("healed"))
        return super().write(name, content)

    def test_pages_in_a_browser(self):
        # One farm for all: most of a farm's time is its start. What kills its parts comes last.
        for check in (self.check_a_page_shows_a_build_run_and_its_log_grow_without_reloading,
                      self.check_somebody_signs_in_forces_watches_and_cancels,
                      self.check_a_long_log_is_shown_in_windows_from_the_first_error_on,
                      self.check_every_page_says_the_same_without_scripts,
                      self.check_a_host_dies_and_heals_while_the_front_page_is_open,
                      self.check_the_coordinator_dies_and_the_page_says_so_and_goes_on):
            with self.subTest(check.__name__):
                check()

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
        self.make_account("ann")
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

    def check_a_host_dies_and_heals_while_the_front_page_is_open(self):
        """Also for whoever looks at the build that runs there, which goes on."""
        browser = self.open_browser()
        browser.open()
        build = self.submit("healed", "--host", "h1")
        self.wait_for_start("healed")
        browser.goto(url=self.web + "/")
        browser.waitText(at="#host-h1", text="up")
        browser.waitText(at=f"#run{build}", text=f"healed #{build}")
        browser.eval(code="window.sameDocument = true")
        parent = self.farm.pid("h1")
        agent = agent_of(parent)
        restarts = self.farm.host("h1")["restarts"]
        os.kill(agent, signal.SIGSTOP)  # it hears nothing and says nothing, as one that is gone
        browser.waitText(at="#host-h1", text="suspect", seconds=20)
        browser.waitText(at="h1", text="one host is not well", seconds=20)
        self.shot(browser, "host-died")
        os.kill(agent, signal.SIGKILL)
        os.kill(parent, signal.SIGKILL)
        browser.waitText(at="#host-h1", text="up", seconds=40)
        wait_until(lambda: self.farm.host("h1")["restarts"] > restarts, 30, "h1 began anew")
        self.shot(browser, "host-healed")
        self.open_gate("healed")
        browser.waitText(at="#recent", text="What ended last", seconds=20)
        browser.waitText(at=f"#b{build}", text="success", seconds=40)
        self.assertTrue(browser.eval(code="window.sameDocument"), "the page was never loaded again")
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
    chromium.run()
