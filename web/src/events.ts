// The farm's event stream: its text taken apart, and which events concern which page. Pure.
// SPDX-License-Identifier: Apache-2.0

/** An entry of the journal as the API sends it; what does not apply is null. */
export interface FarmEvent {
  sequence: number;
  kind: string;
  build?: number | null;
  campaign?: string | null;
  builder?: string | null;
  host?: string | null;
}

/** Takes text/event-stream in pieces of any size; yields the data of each whole event. */
export class StreamReader {
  private kept = "";
  private data: string[] = [];
  /** The id of the last event: where to go on after a break. */
  lastId = "";

  take(piece: string): string[] {
    const out: string[] = [];
    const lines = (this.kept + piece).split("\n");
    this.kept = lines.pop() ?? "";
    for (const raw of lines) {
      const line = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
      if (line === "") {
        if (this.data.length > 0) out.push(this.data.join("\n"));
        this.data = [];
        continue;
      }
      const colon = line.indexOf(":");
      if (colon === 0) continue; // a heartbeat
      const name = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (name === "data") this.data.push(value);
      else if (name === "id") this.lastId = value;
    }
    return out;
  }
}

/** The event in the data, or nothing if it is none. */
export function readEvent(data: string): FarmEvent | null {
  try {
    const value = JSON.parse(data) as FarmEvent | null;
    return value !== null && typeof value === "object" && typeof value.kind === "string" ? value : null;
  } catch {
    return null; // what can't be read concerns nobody; the page looks again by itself
  }
}

/** Whether an event may change a page; `topics` as the page says them (nodes/pages/page.hpp). */
export function concerns(topics: string, event: FarmEvent): boolean {
  return topics.split(" ").some((topic) => {
    const at = topic.indexOf("=");
    if (at < 0) {
      if (topic === "all") return true;
      if (topic === "builds") return event.build != null;
      return topic === "hosts" && event.host != null;
    }
    const wanted = topic.slice(at + 1);
    const said = (event as unknown as Record<string, unknown>)[topic.slice(0, at)];
    // A campaign's table changes with each of its builds, of which not all name it.
    if (topic.startsWith("campaign=")) return said === wanted || event.build != null;
    return said != null && String(said) === wanted;
  });
}

/** How long to wait before the n-th try in a row, from 0; `chance` in [0, 1). */
export function pauseBefore(tries: number, chance: number): number {
  return Math.min(15_000, 500 * 2 ** Math.min(tries, 6)) * (0.5 + chance / 2);
}
