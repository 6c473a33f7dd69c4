// Which part of a log a page holds, as offsets of its first byte and of the one behind its last. Pure.
// SPDX-License-Identifier: Apache-2.0

export interface LogWindow {
  from: number;
  next: number;
  size: number;
  complete: boolean;
  /** Number of the line at `next`, if it is known. */
  line: string;
}

/** Rows that a page holds at once: more are slow to lay out on a phone. */
export const rowsMax = 8000;

/** A whole number in a field of an answer; nothing if it is none. */
export function fieldNumber(text: string | null): number | null {
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

/** The window after an answer that continues it; nothing if the answer does not fit to it. */
export function extended(before: LogWindow, fields: Headers): LogWindow | null {
  const next = fieldNumber(fields.get("Drover-Log-Next"));
  const size = fieldNumber(fields.get("Drover-Log-Size"));
  if (next === null || size === null || next < before.next) return null;
  return {
    from: before.from,
    next,
    size,
    complete: fields.get("Drover-Log-Complete") === "true",
    line: fields.get("Drover-Log-Line") ?? "",
  };
}

/** How many rows to take away, so that no more than `most` stay. */
export function surplus(rows: number, most: number = rowsMax): number {
  return Math.max(0, rows - most);
}

/** All that there will be is shown up to its end. */
export function isOver(shown: LogWindow): boolean {
  return shown.complete && shown.next >= shown.size;
}

/** The byte that a row's id names: "o1234". */
export function offsetOf(id: string): number | null {
  return id.startsWith("o") ? fieldNumber(id.slice(1)) : null;
}
