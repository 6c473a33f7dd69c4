// The log of a step: follows its end, loads what is before or behind, and never holds more rows than a
// browser can lay out. Lines come from the server as HTML, escaped there.
// SPDX-License-Identifier: Apache-2.0

import { computed, signal } from "@preact/signals";
import { render } from "preact";
import { pauseBefore } from "./events";
import { extended, fieldNumber, isOver, offsetOf, surplus, type LogWindow } from "./window";
import { sizeWords } from "./words";

/** How long the server may hold an answer back until there is more to say. */
const patience = 20;

function startLog(box: HTMLElement, bar: HTMLElement): void {
  const shown = signal<LogWindow>({
    from: fieldNumber(box.dataset.from ?? null) ?? 0,
    next: fieldNumber(box.dataset.next ?? null) ?? 0,
    size: fieldNumber(box.dataset.size ?? null) ?? 0,
    complete: box.dataset.complete === "true",
    line: box.dataset.line ?? "",
  });
  const over = computed(() => isOver(shown.value));
  const following = signal(!over.value && shown.value.next >= shown.value.size);
  const trouble = signal(false);
  const loading = signal(false);

  async function fetchRows(query: string): Promise<{ rows: Element[]; fields: Headers } | null> {
    const attempt = box.dataset.attempt ?? "";
    const more = attempt === "" || attempt === "0" ? "" : `&attempt=${encodeURIComponent(attempt)}`;
    const answer = await fetch(`${box.dataset.lines}?${query}${more}`, { cache: "no-store" });
    if (!answer.ok) return null;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    return { rows: [...page.body.children], fields: answer.headers };
  }

  function dropFromTop(): void {
    for (let left = surplus(box.children.length); left > 0; left -= 1) box.firstElementChild?.remove();
    const from = offsetOf(box.firstElementChild?.id ?? "");
    if (from !== null) shown.value = { ...shown.value, from };
  }

  /** Appends what comes behind the window; false if nothing could be had. */
  async function loadLater(wait: number): Promise<boolean> {
    const { next, line } = shown.value;
    const got = await fetchRows(`at=${next}&line=${line}` + (wait > 0 ? `&wait=${wait}` : ""));
    const grown = got === null ? null : extended(shown.value, got.fields);
    if (got === null || grown === null) return false;
    if (box.dataset.attempt === "0") box.dataset.attempt = got.fields.get("Drover-Log-Attempt") ?? "0";
    box.append(...got.rows);
    shown.value = grown;
    if (following.value) {
      dropFromTop();
      if (got.rows.length > 0) window.scrollTo({ top: document.body.scrollHeight });
    }
    return true;
  }

  /** Puts what is before the window above it, and takes away from its end what is too much. */
  async function loadEarlier(): Promise<void> {
    following.value = false;
    loading.value = true;
    const got = await fetchRows(`before=${shown.value.from}`).catch(() => null);
    const from = got === null ? null : fieldNumber(got.fields.get("Drover-Log-Offset"));
    if (got !== null && from !== null) {
      const height = document.body.scrollHeight;
      box.prepend(...got.rows);
      window.scrollBy({ top: document.body.scrollHeight - height }); // what was read stays in place
      let next = shown.value.next;
      for (let left = surplus(box.children.length); left > 0; left -= 1) {
        next = offsetOf(box.lastElementChild?.id ?? "") ?? next;
        box.lastElementChild?.remove();
      }
      const cut = next !== shown.value.next;
      shown.value = { ...shown.value, from, next, line: cut ? "" : shown.value.line };
    }
    trouble.value = got === null;
    loading.value = false;
  }

  async function loadNext(): Promise<void> {
    loading.value = true;
    trouble.value = !(await loadLater(0).catch(() => false));
    loading.value = false;
  }

  async function follow(): Promise<void> {
    let tries = 0;
    while (following.value && !over.value) {
      const went = await loadLater(document.hidden ? 0 : patience).catch(() => false);
      trouble.value = !went;
      tries = went ? 0 : tries + 1;
      const rest = went ? (document.hidden ? 2000 : 0) : pauseBefore(tries, Math.random());
      if (rest > 0) await new Promise((resolve) => setTimeout(resolve, rest));
    }
    following.value = following.value && !over.value;
  }

  async function toEnd(): Promise<void> {
    if (shown.value.size - shown.value.next > 1_000_000) {
      location.search = `?at=end&attempt=${encodeURIComponent(box.dataset.attempt ?? "")}`;
      return;
    }
    while (shown.value.next < shown.value.size && (await loadLater(0).catch(() => false)));
    window.scrollTo({ top: document.body.scrollHeight });
  }

  function setFollowing(on: boolean): void {
    following.value = on;
    if (on) void toEnd().then(follow);
  }

  function LogBar() {
    const { from, next, size } = shown.value;
    const words = over.value ? "complete" : trouble.value ? "the farm is away, trying again"
      : following.value ? "following" : "stands still here";
    return (
      <div class="logbar">
        {!over.value && (
          <button type="button" aria-pressed={following.value} onClick={() => setFollowing(!following.value)}>
            Follow
          </button>
        )}
        {from > 0 && <button type="button" disabled={loading.value} onClick={() => void loadEarlier()}>Load earlier lines</button>}
        {next < size && !following.value && (
          <button type="button" disabled={loading.value} onClick={() => void loadNext()}>Load later lines</button>
        )}
        <button type="button" onClick={() => void toEnd()}>To the end</button>
        <span role="status">{sizeWords(size)}, {words}</span>
      </div>
    );
  }

  render(<LogBar />, bar);
  showTarget(box);
  // Who scrolls up wants to read: the text must not run away.
  addEventListener("wheel", (event) => {
    if (event.deltaY < 0) following.value = false;
  }, { passive: true });
  if (following.value) {
    if (location.hash === "") window.scrollTo({ top: document.body.scrollHeight });
    void follow();
  }
}

/** The line in the address, shown as such: also when it came after the page. */
function showTarget(box: HTMLElement): void {
  for (const row of box.querySelectorAll(".found")) row.classList.remove("found");
  const row = offsetOf(location.hash.slice(1)) === null ? null : document.getElementById(location.hash.slice(1));
  if (row === null || !box.contains(row)) return;
  row.classList.add("found");
  row.scrollIntoView({ block: "center" });
}

export function startLogs(): void {
  const box = document.getElementById("log");
  const bar = document.getElementById("logbar");
  if (box === null || bar === null) return;
  startLog(box, bar);
  addEventListener("hashchange", () => showTarget(box));
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest<HTMLAnchorElement>("#cause") : null;
    const id = `o${link?.dataset.at ?? ""}`;
    if (link === null || event.ctrlKey || event.metaKey || document.getElementById(id) === null) return;
    event.preventDefault();
    if (location.hash === `#${id}`) showTarget(box);
    else location.hash = id;
  });
}
