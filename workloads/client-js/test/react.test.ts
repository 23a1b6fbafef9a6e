import assert from "node:assert/strict";
import { after, afterEach, test } from "node:test";
import { JSDOM } from "jsdom";
import { RealtimeError, type Notification, type RealtimeClient, type Receiver } from "@realtimestack/client";
import { FakeTransport, fake, notification, server, settled } from "./fakes.js";

const page = new JSDOM("<main></main>", { url: "http://page.test/" });
Object.assign(globalThis, { window: page.window, document: page.window.document, IS_REACT_ACT_ENVIRONMENT: true });
if (globalThis.navigator === undefined) Object.assign(globalThis, { navigator: page.window.navigator });
// React looks for the document when it is loaded.
const { StrictMode, act, createElement } = await import("react");
const { createRoot } = await import("react-dom/client");
const { RealtimeProvider, useClient, useConnection, useInbox, useNotifications } = await import("@realtimestack/client/react");

const unmounts: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const unmount of unmounts.splice(0)) await unmount();
});
after(() => page.window.close());

/** Time for what waits until components had time to come back. */
const turned = () => act(async () => {
  await new Promise((resolve) => setTimeout(resolve, 5));
  await settled();
});

async function show<Seen>(client: RealtimeClient, use: () => Seen) {
  const seen: { now: Seen } = { now: undefined as Seen };
  const Probe = () => {
    seen.now = use();
    return null;
  };
  const root = createRoot(document.createElement("div"));
  const render = () => createElement(StrictMode, null, createElement(RealtimeProvider, { client }, createElement(Probe)));
  await act(async () => root.render(render()));
  await turned();
  const unmount = async () => {
    await act(async () => root.unmount());
    await turned();
    client.close();
  };
  unmounts.push(unmount);
  return { seen, unmount };
}

const list = (...items: object[]) => ({ body: items });

test("a connection is opened once in StrictMode, and closed with its provider", async () => {
  const transports: FakeTransport[] = [];
  const transportFactory = (receiver: Receiver) => {
    transports.push(new FakeTransport(receiver));
    return transports.at(-1)!;
  };
  const options = { url: "http://api.test", transportFactory };
  let state: string | undefined;
  const Probe = () => {
    state = useConnection().status;
    return null;
  };
  const root = createRoot(document.createElement("div"));
  await act(async () => root.render(createElement(StrictMode, null, createElement(RealtimeProvider, { options }, createElement(Probe)))));
  await turned();
  const opened = transports.filter(({ openings }) => openings.length > 0);
  assert.deepEqual(opened.map(({ openings, closed }) => [openings.length, closed]), [[1, 0]]);
  await act(async () => opened[0]?.receiver.opened("websocket", false));
  assert.equal(state, "connected");
  await act(async () => root.unmount());
  assert.equal(opened[0]?.closed, 1);
});

test("notifications are the newest of the list and of what comes, each once", async () => {
  const { fetch, requests } = server(list(notification("a", { status: "pending" })));
  const { client, transport } = fake({ fetch });
  const { seen } = await show(client, () => useNotifications({ limit: 2 }));
  assert.deepEqual(seen.now.notifications.map(({ id }) => id), ["a"]);
  assert.match(requests[0]?.url ?? "", /\?limit=2$/);
  await act(async () => {
    transport.receiver.opened("websocket", false);
    transport.receiver.notification(notification("a") as Notification, "e-1");
    for (const [id, second] of [["b", "01"], ["c", "02"]] as const) {
      transport.receiver.notification(notification(id, { timestamp: `2026-11-21T10:00:${second}.000Z` }) as Notification, id);
    }
  });
  assert.deepEqual(seen.now.notifications.map(({ id, status }) => `${id} ${status}`), ["c processed", "b processed"]);
  await act(async () => seen.now.clear());
  assert.deepEqual(seen.now.notifications, []);
});

test("a gap reads the list again", async () => {
  const { fetch } = server(list(), list(notification("missed")));
  const { client, transport } = fake({ fetch });
  const { seen } = await show(client, () => useNotifications());
  await act(async () => transport.receiver.gap({ reason: "trimmed", from: "a", to: "b" }, "b"));
  await turned();
  assert.deepEqual(seen.now.notifications.map(({ id }) => id), ["missed"]);
});

test("a list that cannot be read is an error, and what comes is shown all the same", async () => {
  const { fetch } = server({ status: 403, body: { detail: "the token does not permit this channel", code: "CHANNEL_FORBIDDEN" } });
  const { client, transport } = fake({ fetch, channels: ["a"] });
  const { seen } = await show(client, () => useNotifications({ channels: ["a"] }));
  assert.equal((seen.now.error as RealtimeError | undefined)?.code, "CHANNEL_FORBIDDEN");
  await act(async () => transport.receiver.notification(notification("n", { channel: "a" }) as Notification, "e-1"));
  assert.equal(seen.now.notifications.length, 1);
});

test("channels are heard while components want them", async () => {
  const { fetch } = server(list());
  const { client, transport } = fake({ fetch, channels: ["base"] });
  const { seen, unmount } = await show(client, () => [useNotifications({ channels: ["a"] }), useNotifications({ channels: ["a", "base"] })]);
  assert.deepEqual(client.channels, ["a", "base"]);
  await act(async () => {
    transport.receiver.notification(notification("1", { channel: "a" }) as Notification, "1");
    transport.receiver.notification(notification("2", { channel: "base" }) as Notification, "2");
    transport.receiver.notification(notification("3", { channel: "else" }) as Notification, "3");
  });
  assert.deepEqual(seen.now.map(({ notifications }) => notifications.length), [1, 2]);
  await unmount();
  assert.deepEqual(client.channels, ["base"]);
});

test("a component whose channel is forbidden shows the error, and the client goes on for the others", async () => {
  const { client, transport } = fake({ channels: ["news"], fetch: server(list()).fetch });
  const { seen, unmount } = await show(client, () => useNotifications({ channels: ["closed"] }));
  assert.deepEqual(transport.openings.at(-1)?.channels, ["closed", "news"]);
  await act(async () => transport.receiver.refused(new RealtimeError("the token does not permit this channel", "CHANNEL_FORBIDDEN", 403)));
  assert.deepEqual([client.state.status, client.channels], ["connecting", ["news"]]);
  assert.equal((seen.now.error as RealtimeError).code, "CHANNEL_FORBIDDEN");
  await unmount();
});

test("an inbox fills, and is read", async () => {
  const item = (id: string, readAt: string | null) => ({ ...notification(id, { channel: "user:7" }), readAt });
  const unread = { "x-unread-count": "1" };
  const first = { body: [item("a", null)], headers: unread };
  const { fetch, requests } = server(first, { body: item("a", "2026-11-21T11:00:00.000Z") }, { body: item("a", null) }, { body: { changed: 2, complete: true } });
  const { client, transports } = fake({ fetch });
  const { seen, unmount } = await show(client, () => useInbox("7"));
  assert.deepEqual([seen.now.items.length, seen.now.unread], [1, 1]);
  // Without a token, all channels are all but users': the hook has a connection of its own, for that user.
  const own = transports.find(({ openings }) => openings.some(({ channels }) => channels.includes("user:7")));
  const later = notification("b", { channel: "user:7", timestamp: "2026-11-21T10:00:05.000Z" }) as Notification;
  await act(async () => own?.receiver.notification(later, "e-1"));
  assert.deepEqual([seen.now.items.map(({ id }) => id), seen.now.unread], [["b", "a"], 2]);
  await act(async () => seen.now.markRead("a"));
  assert.equal(seen.now.unread, 1);
  await act(async () => seen.now.markUnread("a"));
  assert.equal(seen.now.unread, 2);
  await act(async () => seen.now.markAllRead());
  assert.deepEqual([seen.now.unread, seen.now.items.every(({ readAt }) => readAt !== null)], [0, true]);
  assert.match(requests.at(-1)?.url ?? "", /\/api\/users\/7\/notifications\/read$/);
  await unmount();
  assert.equal(own?.closed, 1);
});

test("a hook outside of a provider says what is missing", async () => {
  const Probe = () => {
    useClient();
    return null;
  };
  const root = createRoot(document.createElement("div"), { onUncaughtError: () => {} });
  await assert.rejects(async () => act(async () => root.render(createElement(Probe))), /no RealtimeProvider/);
});
