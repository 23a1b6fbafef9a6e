import { expect, test } from "vitest";
import { Latency } from "./latency";

test("measures when the answer comes first", () => {
  const latency = new Latency();
  expect(latency.answered("a", 100)).toBeUndefined();
  expect(latency.came("a", 130)).toBe(30);
  expect(latency.came("a", 160)).toBeUndefined();
});

test("measures when the notification comes before the answer", () => {
  const latency = new Latency();
  expect(latency.came("a", 130)).toBeUndefined();
  expect(latency.answered("a", 100)).toBe(30);
});

test("forgets the oldest of others' notifications", () => {
  const latency = new Latency();
  for (let number = 0; number <= 200; number += 1) latency.came(`${number}`, number);
  expect(latency.answered("0", 0)).toBeUndefined();
  expect(latency.answered("1", 0)).toBe(1);
});
