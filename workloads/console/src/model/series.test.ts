import { expect, test } from "vitest";
import { append, emptySeries, largest } from "./series";

test("keeps what is not older than the span", () => {
  let series = emptySeries(1);
  for (let at = 0; at <= 10; at += 1) series = append(series, at, [at * 2], 3);
  expect(series).toEqual([
    [7, 8, 9, 10],
    [14, 16, 18, 20],
  ]);
});

test("knows the largest value of a line and passes over holes", () => {
  const series = append(append(emptySeries(2), 1, [null, 7], 60), 2, [3, 1], 60);
  expect([largest(series, 0), largest(series, 1)]).toEqual([3, 7]);
  expect(largest(emptySeries(1), 0)).toBe(0);
});
