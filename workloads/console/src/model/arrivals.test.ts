import type { Notification } from "@realtimestack/client";
import { expect, test } from "vitest";
import { type Arrival, arrive, KEPT, load } from "./arrivals";

const notification = (id: string, status = "processed"): Notification => ({
  id,
  message: id,
  type: "info",
  channel: "default",
  status,
  timestamp: "2026-11-21T07:46:44.753Z",
});
const live = (id: string): Arrival => ({ notification: notification(id), way: "live" });
const ids = (list: readonly Arrival[]) => list.map((each) => each.notification.id);

test("puts the newest on top and keeps a bounded number", () => {
  let list: readonly Arrival[] = [];
  for (let number = 0; number < KEPT + 5; number += 1) list = arrive(list, live(`${number}`));
  expect([list.length, ids(list)[0]]).toEqual([KEPT, `${KEPT + 4}`]);
});

test("shows a notification once, with its latest status", () => {
  const list = arrive(load([], [notification("b"), notification("a", "pending")]), live("a"));
  expect(ids(list)).toEqual(["b", "a"]);
  expect(list[1]).toMatchObject({ way: "stored", notification: { status: "processed" } });
});

test("what is loaded stands behind what came meanwhile and undoes nothing of it", () => {
  const list = load([live("c")], [notification("c", "pending"), notification("b")]);
  expect(ids(list)).toEqual(["c", "b"]);
  expect(list[0]?.notification.status).toBe("processed");
});
