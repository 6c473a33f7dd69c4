// How pages write times: the same words as nodes/pages/words.cpp, so that a tick changes nothing else.
// SPDX-License-Identifier: Apache-2.0

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

const whole = (value: number, unit: number) => Math.floor(value / unit);

/** "47 ms", "2.4 s", "12 s", "3 min 4 s", "1 h 12 min", "2 d 3 h" */
export function durationWords(ms: number): string {
  ms = Math.max(0, Math.floor(ms));
  if (ms < second) return `${ms} ms`;
  if (ms < 10 * second) return `${whole(ms, second)}.${whole(ms % second, 100)} s`;
  if (ms < minute) return `${whole(ms, second)} s`;
  if (ms < hour) return `${whole(ms, minute)} min ${whole(ms % minute, second)} s`;
  if (ms < day) return `${whole(ms, hour)} h ${whole(ms % hour, minute)} min`;
  return `${whole(ms, day)} d ${whole(ms % day, hour)} h`;
}

/** "just now", "12 s ago", "3 min ago"; "in 3 min" for what is to come. */
export function agoWords(when: number, now: number): string {
  const past = now - when;
  const length = Math.abs(past);
  if (length < 2 * second) return "just now";
  const words =
    length < minute ? `${whole(length, second)} s`
    : length < hour ? `${whole(length, minute)} min`
    : length < day ? `${whole(length, hour)} h`
    : `${whole(length, day)} d`;
  return past >= 0 ? `${words} ago` : `in ${words}`;
}

/** "812 B", "1.5 KiB", "17 MiB" */
export function sizeWords(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  if (bytes < 1024) return `${bytes} B`;
  let unit = 0;
  while (bytes >= 1024 && unit + 1 < units.length) {
    bytes /= 1024;
    unit += 1;
  }
  return `${bytes < 9.95 ? bytes.toFixed(1) : bytes.toFixed(0)} ${units[unit]}`;
}

/** Rewrites each <time data-words> below `root` for `now`. */
export function tick(root: ParentNode, now: number): void {
  for (const time of root.querySelectorAll<HTMLTimeElement>("time[data-words]")) {
    const when = Date.parse(time.dateTime);
    if (Number.isNaN(when)) continue;
    const words =
      time.dataset.words === "since" ? durationWords(now - when) : agoWords(when, now);
    if (time.textContent !== words) time.textContent = words;
  }
}
