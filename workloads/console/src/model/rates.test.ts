import type { InstanceFigures } from "@realtimestack/client";
import { expect, test } from "vitest";
import { advance, type Known } from "./rates";

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
  closed: {},
  resumed: {},
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

test("counts an instance from its start when it has counted less since, however long ago that was", () => {
  expect(last([figures("a", 10, 50)], [figures("a", 20, 40)]).delivered).toBe(2);
});

test("keeps what it knows when it is told older figures, and goes on from there", () => {
  const readings = [[figures("a", 1000, 90_000)], [figures("a", 1002, 90_040)], [figures("a", 1000, 90_010)]];
  expect(last(...readings).delivered).toBe(20);
  expect(last(...readings, [figures("a", 1004, 90_100)]).delivered).toBe(30);
});

test("loses nothing that was counted within the same second of uptime", () => {
  expect(last([figures("a", 10, 100)], [figures("a", 10, 140)], [figures("a", 12, 160)]).delivered).toBe(30);
});
