import { expect, test } from "vitest";
import { advance, type InstanceFigures, type Known } from "./rates";

const figures = (
  instance: string,
  uptimeSeconds: number,
  delivered: number,
  published = 0,
): InstanceFigures => ({
  instance,
  component: "api",
  connections: { sse: 1, websocket: 2, polling: 3 },
  delivered,
  published,
  uptimeSeconds,
});

function last(...told: InstanceFigures[][]) {
  let known: Known = new Map();
  let totals = advance(known, []).totals;
  for (const figures of told) ({ known, totals } = advance(known, figures));
  return totals;
}

test("sums connections of all instances", () => {
  const totals = last([figures("a", 10, 0), figures("b", 10, 0)]);
  expect(totals).toMatchObject({ sse: 2, websocket: 4, polling: 6, instances: 2 });
});

test("has no rate of what it reads for the first time, whatever it has counted", () => {
  expect(last([figures("a", 1000, 5000)]).delivered).toBe(0);
});

test("reckons by the clock of the instance and sums over instances", () => {
  const totals = last(
    [figures("a", 10, 100, 5), figures("b", 50, 0)],
    [figures("a", 12, 140, 6), figures("b", 54, 8)],
  );
  expect(totals.delivered).toBe(22);
  expect(totals.published).toBe(0.5);
});

test("keeps the rate of an instance that has told nothing new", () => {
  expect(last([figures("a", 10, 0)], [figures("a", 12, 40)], [figures("a", 12, 40)]).delivered).toBe(20);
});

test("counts an instance that started again from its start", () => {
  expect(last([figures("a", 1000, 90_000)], [figures("a", 4, 8)]).delivered).toBe(2);
});

test("forgets an instance that is gone", () => {
  expect(last([figures("a", 10, 0)], [figures("a", 12, 40)], []).delivered).toBe(0);
});

test("is never negative", () => {
  expect(last([figures("a", 10, 50)], [figures("a", 12, 40)]).delivered).toBe(0);
});
