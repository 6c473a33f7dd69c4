// One event stream for all tabs, where the browser has shared workers; else one a tab.
//
// Browsers allow six connections to a farm over all tabs: each tab with a stream of its own would soon
// leave none for anything else.
// SPDX-License-Identifier: Apache-2.0

import { pauseBefore, readEvent, StreamReader, type FarmEvent } from "./events";

/** `missing`: this farm has no stream; pages look by themselves. */
export type StreamState = "connecting" | "live" | "broken" | "missing";
export type StreamNews = { state: StreamState } | { event: FarmEvent };

const address = "/api/v1/events/stream";
/** The farm sends something every 15 s at least; a longer silence is a dead connection. */
const silenceMax = 40_000;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Reads one connection to its end; true if anything came. */
async function readOnce(reader: StreamReader, tell: (news: StreamNews) => void): Promise<boolean> {
  const stop = new AbortController();
  let watch = setTimeout(() => stop.abort(), silenceMax);
  try {
    const query = reader.lastId === "" ? "" : `?after=${encodeURIComponent(reader.lastId)}`;
    const answer = await fetch(address + query, { signal: stop.signal, cache: "no-store" });
    if (answer.status === 404 || answer.status === 405) {
      tell({ state: "missing" });
      return false;
    }
    if (!answer.ok || answer.body === null) return false;
    tell({ state: "live" });
    const pieces = answer.body.getReader();
    const decoder = new TextDecoder();
    for (;;) {
      const { done, value } = await pieces.read();
      if (done) return true;
      clearTimeout(watch);
      watch = setTimeout(() => stop.abort(), silenceMax);
      for (const data of reader.take(decoder.decode(value, { stream: true }))) {
        const event = readEvent(data);
        if (event !== null) tell({ event });
      }
    }
  } catch {
    return false; // the farm is away, or said nothing for too long: the caller tries again
  } finally {
    clearTimeout(watch);
  }
}

/** Reads the stream for ever. */
async function readStream(tell: (news: StreamNews) => void): Promise<void> {
  let reader = new StreamReader();
  let tries = 0;
  for (;;) {
    const lived = await readOnce(reader, tell);
    tries = lived ? 0 : tries + 1;
    const id = reader.lastId;
    reader = new StreamReader(); // half an event must not be joined with another half
    reader.lastId = id;
    tell({ state: "broken" });
    await pause(pauseBefore(tries, Math.random()));
  }
}

interface Port {
  postMessage(news: StreamNews): void;
}

/** In the shared worker: reads once and tells all tabs. */
export function serveTabs(worker: { onconnect: ((event: MessageEvent) => void) | null }): void {
  const ports = new Set<Port>();
  let last: StreamNews = { state: "connecting" };
  worker.onconnect = (event) => {
    const port = event.ports[0] as MessagePort;
    ports.add(port);
    port.onmessage = () => ports.delete(port); // the tab says that it goes
    port.postMessage(last);
  };
  void readStream((news) => {
    if ("state" in news) last = news;
    for (const port of ports) port.postMessage(news);
  });
}

/** In a tab: hears the worker, or reads for itself. `script`: the address of this very script. */
export function listen(script: string, tell: (news: StreamNews) => void): void {
  if (typeof SharedWorker === "undefined") {
    void readStream(tell);
    return;
  }
  const worker = new SharedWorker(script, { type: "module", name: "drover-events" });
  worker.port.onmessage = (message) => tell(message.data as StreamNews);
  worker.onerror = () => void readStream(tell);
  addEventListener("pagehide", () => worker.port.postMessage("bye"));
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload(); // back from the browser's cache, forgotten by the worker
  });
}
