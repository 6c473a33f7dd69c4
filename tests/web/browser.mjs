// A browser that does what it is told, line by line: JSON orders on stdin, JSON answers on stdout.
// SPDX-License-Identifier: Apache-2.0
//
//   node browser.mjs WEB_FOLDER CHROMIUM

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const [web, program] = process.argv.slice(2);
const { chromium } = createRequire(`${web}/package.json`)("playwright-core");

const browser = await chromium.launch({ executablePath: program, args: ["--no-sandbox"] });
let page;
/** What should never happen on a page of ours. */
const wrongs = [];

const orders = {
  async open({ scripts = true, dark = false, width = 1280 }) {
    const context = await browser.newContext({
      javaScriptEnabled: scripts, colorScheme: dark ? "dark" : "light", viewport: { width, height: 800 },
    });
    page = await context.newPage();
    await page.addInitScript(() => {
      window.alert = (words) => console.error(`ALERT ${words}`);
      addEventListener("securitypolicyviolation", (event) =>
        console.error(`CSP ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
    });
    page.on("console", (message) => {
      const words = message.text();
      // The farm that is away on purpose makes the browser say so.
      if (message.type() === "error" && !words.startsWith("Failed to load resource")) wrongs.push(words);
    });
    page.on("pageerror", (error) => wrongs.push(`ERROR ${error.message}`));
    page.on("dialog", (dialog) => {
      wrongs.push(`DIALOG ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on("request", (request) => {
      if (!request.url().startsWith("http://127.0.0.1:")) wrongs.push(`REQUEST ${request.url()}`);
    });
  },
  goto: ({ url }) => page.goto(url).then((answer) => answer.status()),
  text: ({ at }) => page.locator(at).first().innerText(),
  count: ({ at }) => page.locator(at).count(),
  fill: ({ at, text }) => page.locator(at).first().fill(text),
  choose: ({ at, value }) => page.locator(at).first().selectOption(value),
  url: () => page.url(),
  click: ({ at }) => page.locator(at).first().click(),
  waitText: ({ at, text, seconds = 30 }) =>
    page.locator(at).filter({ hasText: text }).first().waitFor({ timeout: seconds * 1000 }).then(() => true),
  eval: ({ code }) => page.evaluate(code),
  shot: ({ path, full = false }) => page.screenshot({ path, fullPage: full }).then(() => path),
  wrongs: () => wrongs,
  async close() {
    await browser.close();
    process.exit(0);
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { order, ...more } = JSON.parse(line);
  let answer;
  try {
    answer = { ok: true, value: (await orders[order](more)) ?? null };
  } catch (error) {
    answer = { ok: false, error: String(error.message).split("\n")[0] };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close(); // nobody tells it anything any more
