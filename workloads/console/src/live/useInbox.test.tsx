// @vitest-environment jsdom
import type { createApi } from "@realtimestack/client";
import { act } from "react";
import { expect, test, vi } from "vitest";
import { FakeClient, notification } from "../testing/client";
import { show } from "../testing/page";
import { useInbox } from "./useInbox";

vi.mock("@realtimestack/client", async () => ({
  createClient: (await import("../testing/client")).FakeClient.create,
}));

const nothing = () => {};

async function open(user: string, token?: string) {
  const answers: ((unread: number) => void)[] = [];
  const inbox = () =>
    new Promise((resolve) => answers.push((unread) => resolve({ items: [], unread, unreadIsMore: false })));
  const api = { inbox } as unknown as ReturnType<typeof createApi>;
  const Unread = () => useInbox(api, user, token, nothing).page?.unread ?? "nothing";
  return { answers, ...(await show(<Unread />)) };
}

test("it listens to the channel of the user alone", async () => {
  const other = await open("8");
  expect([FakeClient.last.channels, FakeClient.last.connects]).toEqual([["user:8"], 1]);
  await other.close();
  expect(FakeClient.last.closed).toBe(true);
  const own = await open("me", "token");
  expect([FakeClient.last.channels, FakeClient.last.connects]).toEqual([["user:7"], 1]);
  await own.close();
});

test("many notifications at once are one more reading behind the one under way", async () => {
  const { answers, place, close } = await open("8");
  for (const id of ["a", "b", "c"]) FakeClient.last.say("notification", notification(id, "user:8"));
  expect(answers.length).toBe(1);
  await act(async () => answers[0]?.(1));
  expect([place.textContent, answers.length]).toEqual(["1", 2]);
  await act(async () => answers[1]?.(3));
  expect([place.textContent, answers.length]).toEqual(["3", 2]);
  await close();
});

test("it is read again when it is connected and when something is missing", async () => {
  const { answers, close } = await open("8");
  await act(async () => answers[0]?.(0));
  FakeClient.last.say("state", { status: "reconnecting" });
  expect(answers.length).toBe(1);
  FakeClient.last.say("state", { status: "connected" });
  await act(async () => answers[1]?.(0));
  FakeClient.last.say("gap", { reason: "trimmed" });
  await act(async () => answers[2]?.(0));
  expect(answers.length).toBe(3);
  await close();
});
