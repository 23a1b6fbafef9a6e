import { expect, test } from "vitest";
import { emptyJournal, type JournalEvent, outcome, record } from "./journal";

const after = (...events: JournalEvent[]) => events.reduce(record, emptyJournal(0));
const cut: JournalEvent = { kind: "cut", at: 1000, reason: "transport close" };
const resumed: JournalEvent = { kind: "resumed", at: 2200, recovered: true };

test("tells how long a cut took and what was missed", () => {
  const journal = after(cut, resumed, { kind: "missed" }, { kind: "missed" }, { kind: "missed" });
  expect(journal.cuts.map(outcome)).toEqual(["resumed after 1.2 s, 3 missed events delivered"]);
});

test("a failed try to come back is no new cut", () => {
  const journal = after(cut, { ...cut, at: 1500 }, resumed);
  expect([journal.count, journal.cuts.length, journal.cuts[0]?.at]).toEqual([1, 1, 1000]);
});

test("counts what was missed for the newest cut", () => {
  const journal = after(cut, resumed, { kind: "missed" }, { ...cut, at: 5000 }, { ...resumed, at: 6000 });
  expect(journal.cuts.map((each) => each.missed)).toEqual([0, 1]);
});

test("never hides a gap", () => {
  const gap: JournalEvent = { kind: "gap", at: 2300, reason: "trimmed" };
  expect(after(gap).gaps).toHaveLength(1);
  expect(after(cut, resumed, gap).cuts.map(outcome)).toEqual([
    "resumed after 1.2 s, nothing was missed, but a gap: some of it is older than what is kept",
  ]);
});

test("says that a cut is not over", () => {
  expect(after(cut).cuts.map(outcome)).toEqual(["not back yet"]);
});

test("keeps a bounded number of cuts and counts all", () => {
  let journal = emptyJournal(0);
  for (let at = 0; at < 120; at += 2) {
    journal = record(record(journal, { ...cut, at }), { ...resumed, at: at + 1 });
  }
  expect([journal.count, journal.cuts.length, journal.cuts[0]?.at]).toEqual([60, 50, 118]);
});
