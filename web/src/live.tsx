// Keeps a page as the farm is: when an event concerns it, the server's own page is asked for again and
// put in the place of what is shown. There is one renderer, the server's.
// SPDX-License-Identifier: Apache-2.0

import { signal } from "@preact/signals";
import { render } from "preact";
import { concerns } from "./events";
import { morph } from "./morph";
import { listen, type StreamState } from "./stream";
import { tick } from "./words";

/** Not oftener than this, however much happens. */
const spacing = 700;
/** Some things happen without an event: a host falls silent. */
const slowLook = 10_000;
const pollingLook = 3_000;

const stream = signal<StreamState>("connecting");
const reachable = signal(true);

function LiveMark() {
  if (!reachable.value)
    return <span role="status"><span class="dot off" />farm is away</span>;
  if (stream.value === "live") return <span role="status"><span class="dot on" />live</span>;
  if (stream.value === "missing") return <span role="status"><span class="dot on" />looks every 3 s</span>;
  return <span role="status"><span class="dot" />connecting</span>;
}

const main = () => document.getElementById("main");
const topics = () => main()?.dataset.topics ?? "";

let busy = false;
let wanted = false;
let lastEnd = 0;
let timer = 0;

async function refresh(): Promise<void> {
  busy = true;
  wanted = false;
  try {
    const answer = await fetch(location.pathname + location.search, { cache: "no-store" });
    reachable.value = answer.status !== 503;
    if (answer.ok) {
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const now = main();
      const next = page.getElementById("main");
      if (now !== null && next !== null) morph(now, next);
      if (document.title !== page.title) document.title = page.title;
      document.dispatchEvent(new Event("drover:refreshed"));
    }
  } catch {
    reachable.value = false; // said on the page; the next look comes by itself
  }
  busy = false;
  lastEnd = Date.now();
  if (wanted) ask();
}

function ask(): void {
  wanted = true;
  if (busy || document.hidden || timer !== 0) return;
  timer = window.setTimeout(() => {
    timer = 0;
    void refresh();
  }, Math.max(60, lastEnd + spacing - Date.now()));
}

export function goLive(script: string): void {
  const place = document.getElementById("live");
  if (place !== null) render(<LiveMark />, place);
  setInterval(() => tick(document, Date.now()), 1000);
  if (topics() === "") return;
  listen(script, (news) => {
    if ("event" in news) {
      if (concerns(topics(), news.event)) ask();
      return;
    }
    if (news.state === "live" && stream.value !== "live" && stream.value !== "connecting") ask();
    stream.value = news.state;
  });
  setInterval(() => {
    const every = stream.value === "live" && reachable.value ? slowLook : pollingLook;
    if (Date.now() - lastEnd >= every) ask();
  }, 1000);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) ask();
  });
}
