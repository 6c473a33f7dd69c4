// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { extended, fieldNumber, isOver, offsetOf, surplus, type LogWindow } from "../src/window";

const start: LogWindow = { from: 0, next: 100, size: 100, complete: false, line: "7" };
const fields = (next: string, size: string, complete: string, line = "") =>
  new Headers({ "Drover-Log-Next": next, "Drover-Log-Size": size, "Drover-Log-Complete": complete, "Drover-Log-Line": line });

describe("the window of a log", () => {
  it("grows with what follows it", () => {
    expect(extended(start, fields("150", "200", "false", "9"))).toEqual(
      { from: 0, next: 150, size: 200, complete: false, line: "9" });
  });

  it("takes no answer that does not follow it, or says nothing", () => {
    expect(extended(start, fields("99", "200", "true"))).toBeNull();
    expect(extended(start, fields("x", "200", "true"))).toBeNull();
    expect(extended(start, new Headers())).toBeNull();
  });

  it("is over when all is shown and no more will come", () => {
    expect(isOver({ ...start, complete: true })).toBe(true);
    expect(isOver(start)).toBe(false);
    expect(isOver({ ...start, complete: true, size: 101 })).toBe(false);
  });

  it("gives away what is more than a browser can hold", () => {
    expect(surplus(10, 8)).toBe(2);
    expect(surplus(8, 8)).toBe(0);
  });

  it("reads offsets of rows and nothing else", () => {
    expect(offsetOf("o123")).toBe(123);
    for (const id of ["", "o", "x12", "o-1", "o1.5", "o99999999999999999999"]) expect(offsetOf(id)).toBeNull();
    expect(fieldNumber(null)).toBeNull();
  });
});
