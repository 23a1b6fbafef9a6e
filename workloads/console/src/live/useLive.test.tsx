// @vitest-environment jsdom
import { act } from "react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { FakeClient, notification } from "../testing/client";
import { show } from "../testing/page";
import { useLive, type Way } from "./useLive";

vi.mock("@realtimestack/client", async () => ({
  createClient: (await import("../testing/client")).FakeClient.create,
}));

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const nothing = () => {};

function Listener({ way = "sse", channels }: { way?: Way; channels: readonly string[] }) {
  const { live } = useLive({ way, channels, token: undefined, onArrival: nothing, onRefused: nothing });
  return live.list.map((arrival) => arrival.notification.id).join(" ");
}

test("what came of channels that were left is not listed with others", async () => {
  const { place, render, close } = await show(<Listener channels={["orders"]} />);
  await act(async () => FakeClient.last.say("notification", notification("a", "orders"), { missed: false }));
  await render(<Listener channels={["stock"]} />);
  await act(async () => FakeClient.last.say("notification", notification("b", "stock"), { missed: false }));
  await act(() => vi.advanceTimersByTimeAsync(200));
  expect(place.textContent).toBe("b");
  await close();
});

test("what came before another way of listening is listed, and it goes on from there", async () => {
  const { place, render, close } = await show(<Listener channels={["orders"]} />);
  const before = FakeClient.last;
  before.cursor = "e-1";
  await act(async () => before.say("notification", notification("a", "orders"), { missed: false }));
  await render(<Listener way="socketio" channels={["orders"]} />);
  expect([place.textContent, before.closed, FakeClient.last.options.since]).toEqual(["a", true, "e-1"]);
  await close();
});
