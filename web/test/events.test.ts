// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { concerns, pauseBefore, readEvent, StreamReader, type FarmEvent } from "../src/events";

const event = (more: Partial<FarmEvent>): FarmEvent => ({ sequence: 1, kind: "build_started", ...more });

describe("the event stream", () => {
  it("gives the same events however it is cut into pieces", () => {
    const text = ": beat\n\nid: 7\nevent: build_started\ndata: {\"a\":1}\n\nid: 8\r\ndata: x\r\ndata: y\r\n\r\n";
    for (let size = 1; size <= text.length; size += 1) {
      const reader = new StreamReader();
      const seen: string[] = [];
      for (let at = 0; at < text.length; at += size) seen.push(...reader.take(text.slice(at, at + size)));
      expect(seen).toEqual(['{"a":1}', "x\ny"]);
      expect(reader.lastId).toBe("8");
    }
  });

  it("keeps half an event for itself", () => {
    const reader = new StreamReader();
    expect(reader.take("data: half")).toEqual([]);
    expect(reader.take("\n")).toEqual([]);
    expect(reader.take("\n")).toEqual(["half"]);
  });

  it("takes nothing for an event that is none", () => {
    for (const text of ["", "null", "7", "[]", "{\"sequence\":1}", "{broken"]) expect(readEvent(text)).toBeNull();
    expect(readEvent("{\"sequence\":1,\"kind\":\"farm_started\"}")?.kind).toBe("farm_started");
  });
});

describe("what concerns a page", () => {
  it("is everything for the front page and nothing for a page without topics", () => {
    expect(concerns("all", event({}))).toBe(true);
    expect(concerns("", event({ build: 1 }))).toBe(false);
  });

  it("is a build by its number and not by a part of it", () => {
    expect(concerns("log build=12", event({ build: 12 }))).toBe(true);
    expect(concerns("build=12", event({ build: 1 }))).toBe(false);
    expect(concerns("build=12", event({ build: null }))).toBe(false);
  });

  it("is a host or a builder by its name", () => {
    expect(concerns("host=h1", event({ host: "h1" }))).toBe(true);
    expect(concerns("host=h1", event({ host: "h12" }))).toBe(false);
    expect(concerns("builder=hello", event({ builder: "hello" }))).toBe(true);
  });

  it("is each build for a campaign, which may be its own", () => {
    expect(concerns("campaign=c3", event({ build: 5, campaign: null }))).toBe(true);
    expect(concerns("campaign=c3", event({ host: "h1" }))).toBe(false);
  });
});

describe("pauses", () => {
  it("grow, stay bounded, and are never none", () => {
    expect(pauseBefore(0, 0)).toBe(250);
    expect(pauseBefore(3, 0.999)).toBeGreaterThan(pauseBefore(1, 0.999));
    expect(pauseBefore(1000, 0.999)).toBeLessThanOrEqual(15_000);
  });
});
