// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { agoWords, durationWords, sizeWords } from "../src/words";

describe("words", () => {
  // The same table is in tests/web/pages_test.cpp.
  it("writes lengths as the server does", () => {
    const table: [number, string][] = [
      [-5, "0 ms"], [440, "440 ms"], [2_450, "2.4 s"], [9_999, "9.9 s"], [12_000, "12 s"], [184_000, "3 min 4 s"],
      [4_320_000, "1 h 12 min"], [183_600_000, "2 d 3 h"],
    ];
    for (const [ms, words] of table) expect(durationWords(ms)).toBe(words);
  });

  it("writes how long ago something was, or will be", () => {
    const now = 1_000_000_000;
    expect(agoWords(now - 500, now)).toBe("just now");
    expect(agoWords(now - 12_000, now)).toBe("12 s ago");
    expect(agoWords(now - 185_000, now)).toBe("3 min ago");
    expect(agoWords(now - 7_200_000, now)).toBe("2 h ago");
    expect(agoWords(now - 200_000_000, now)).toBe("2 d ago");
    expect(agoWords(now + 180_000, now)).toBe("in 3 min");
  });

  it("writes sizes with at most two digits that matter", () => {
    expect(sizeWords(812)).toBe("812 B");
    expect(sizeWords(1536)).toBe("1.5 KiB");
    expect(sizeWords(17 * 1024 * 1024)).toBe("17 MiB");
  });
});
