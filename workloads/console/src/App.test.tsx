// @vitest-environment jsdom
import { act } from "react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { App } from "./App";
import { FakeClient, notification } from "./testing/client";
import { show } from "./testing/page";

vi.mock("@realtimestack/client", async (original) => ({
  ...(await original<typeof import("@realtimestack/client")>()),
  createClient: (await import("./testing/client")).FakeClient.create,
}));
// There is no canvas here.
vi.mock("./parts/Chart", () => ({ Chart: () => null }));
vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener() {}, removeEventListener() {} }));
vi.stubGlobal("fetch", async () => Response.json([]));

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("who signs out leaves nothing of what was seen to the next", async () => {
  sessionStorage.setItem("realtime-token", "token");
  const { place, close } = await show(<App />);
  const client = FakeClient.all.find(({ options }) => options.transport === "socketio");
  if (client === undefined) throw new Error("the page does not listen");
  client.cursor = "e-1";
  client.say("notification", notification("a"), { missed: false });
  await act(() => vi.advanceTimersByTimeAsync(200));
  expect(place.textContent).toContain("message a");
  const buttons = [...place.querySelectorAll("button")];
  await act(async () => buttons.find(({ textContent }) => textContent === "Forget the token")?.click());
  expect(client.closed).toBe(true);
  expect(place.textContent).not.toContain("message a");
  const next = FakeClient.all.findLast(({ options }) => options.transport === "socketio");
  expect([next?.options.token, next?.options.since]).toEqual([undefined, undefined]);
  await close();
});
