import { expect, test } from "vitest";
import { amount, duration, shortened, time } from "./format";

test("leaves out the day of today", () => {
  const at = new Date(2026, 10, 21, 7, 46, 44).getTime();
  expect(time(at, at + 1000)).toBe("07:46:44");
  expect(time(at, at + 86_400_000)).toBe("21 Nov, 07:46:44");
});

test("gives amounts with few digits", () => {
  expect([0, 0.25, 12, 99.95, 312.4, 12_345, 2_500_000].map(amount)).toEqual([
    "0",
    "0.3",
    "12",
    "100.0",
    "312",
    "12.3 k",
    "2.5 M",
  ]);
});

test("gives durations in the unit that reads best", () => {
  expect([8.4, 999, 1200].map(duration)).toEqual(["8 ms", "999 ms", "1.2 s"]);
});

test("keeps both ends of a long word", () => {
  expect(shortened("47a12a04-7479-4351-a9f3-2fe87313ed28-3", 13)).toBe("47a12a…ed28-3");
  expect(shortened("short")).toBe("short");
});
