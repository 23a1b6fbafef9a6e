import assert from "node:assert/strict";
import { test } from "node:test";
import { RealtimeError, UnauthorizedError } from "@realtimestack/client";
import { fake, jwt, notification, settled, until } from "./fakes.js";

test("notifications come once, and the newest cursor is kept", async () => {
  const { client, transport } = fake();
  const heard: [string, boolean][] = [];
  client.onNotification(({ id }, { missed }) => heard.push([id, missed]));
  client.connect();
  await settled();
  const { receiver } = transport;
  receiver.opened("websocket", false, "2026-11-21T10:00:01.000Z");
  receiver.cursor("e-1");
  receiver.notification(notification("a"), "e-2");
  receiver.notification(notification("a"), "e-2");
  receiver.notification(notification("b", { timestamp: "2026-11-21T10:00:02.000Z" }), "e-3");
  assert.deepEqual(heard, [["a", true], ["b", false]]);
  assert.equal(client.cursor, "e-3");
  client.close();
});

test("it comes back with its cursor, and says so in order", async () => {
  const { client, transport } = fake({ channels: ["b", "a", "a"], since: "e-0" });
  const said: string[] = [];
  client.on("state", ({ status }) => said.push(status));
  client.on("cut", ({ reason }) => said.push(`cut: ${reason}`));
  client.on("resumed", ({ recovered, afterMilliseconds }) => said.push(`resumed: ${recovered} ${afterMilliseconds >= 200}`));
  client.connect();
  await settled();
  transport.receiver.opened("websocket", false);
  transport.receiver.notification(notification("a"), "e-2");
  transport.receiver.cut("ping timeout", false);
  const retry = client.state;
  assert.equal(retry.reason, "ping timeout");
  assert.ok((retry.retryAt ?? 0) > Date.now() - 1);
  await until(client, (state) => state.retryAt === undefined);
  await settled();
  transport.receiver.opened("polling", true);
  assert.deepEqual(said, ["connecting", "connected", "cut: ping timeout", "reconnecting", "reconnecting", "connected", "resumed: true true"]);
  assert.deepEqual(transport.openings.map(({ cursor, channels }) => [cursor, channels]), [["e-0", ["a", "b"]], ["e-2", ["a", "b"]]]);
  assert.equal(client.state.transport, "polling");
  client.close();
  assert.equal(transport.closed, 1);
  assert.equal(client.state.status, "closed");
});

test("a gap is told, and it goes on behind it", async () => {
  const { client, transport } = fake();
  const gaps: string[] = [];
  client.on("gap", ({ reason }) => gaps.push(reason));
  client.connect();
  await settled();
  transport.receiver.gap({ reason: "trimmed", from: "e-1", to: "e-9" }, "e-9");
  assert.deepEqual([gaps, client.cursor], [["trimmed"], "e-9"]);
  client.close();
});

test("a token that expires is replaced without a cut", async () => {
  let count = 0;
  const { client, transport } = fake({ token: async () => `token ${(count += 1)}` });
  const states: string[] = [];
  client.connect();
  await settled();
  transport.receiver.opened("websocket", false);
  client.on("state", ({ status }) => states.push(status));
  transport.receiver.expiring({ expiresAt: "2026-11-21T10:00:30.000Z" });
  await settled();
  assert.deepEqual(transport.refreshed, ["token 2"]);
  assert.deepEqual(states, []);
  client.close();
});

test("a refused refresh ends the connection with its error", async () => {
  const { client, transport } = fake({ token: () => "t" });
  client.connect();
  await settled();
  transport.receiver.opened("websocket", false);
  transport.failure = new RealtimeError("the token is for another user", "TOKEN_CLAIM");
  transport.receiver.expiring({ expiresAt: "2026-11-21T10:00:30.000Z" });
  await settled();
  assert.equal(client.state.error?.code, "TOKEN_CLAIM");
});

test("an expired token is replaced before the next try", async () => {
  let count = 0;
  const { client, transport } = fake({ token: async () => `token ${(count += 1)}` });
  client.connect();
  await settled();
  transport.receiver.refused(new RealtimeError("the token has expired", "TOKEN_EXPIRED", 401));
  await until(client, (state) => state.retryAt === undefined);
  await settled();
  assert.deepEqual(transport.openings.map(({ token }) => token), ["token 1", "token 2"]);
  client.close();
});

test("a JWT is used until it is about to end, then asked for again", async () => {
  const soon = jwt({ exp: Date.now() / 1000 + 5, sub: "7" });
  const later = jwt({ exp: Date.now() / 1000 + 500, sub: "7" });
  const tokens = [soon, later];
  const { client, transport } = fake({ token: () => tokens.shift() ?? "none" });
  client.connect();
  await settled();
  assert.equal(transport.openings[0]?.token, soon);
  assert.equal(await client.user(), "7");
  assert.equal(await client.user(), "7");
  assert.deepEqual(tokens, []);
  client.close();
});

test("a token function whose user is gone ends it; one that fails is asked again", async () => {
  const gone = fake({
    token: () => {
      throw new UnauthorizedError();
    },
  });
  const errors: RealtimeError[] = [];
  gone.client.on("error", (error) => errors.push(error));
  gone.client.connect();
  await settled();
  assert.deepEqual(errors.map(({ code }) => code), ["UNAUTHORIZED"]);
  assert.equal(gone.client.state.status, "closed");

  let count = 0;
  const failing = fake({ token: () => ((count += 1) === 1 ? Promise.reject(new Error("away")) : "t") });
  failing.client.connect();
  await until(failing.client, (state) => state.retryAt !== undefined);
  await until(failing.client, (state) => state.retryAt === undefined);
  await settled();
  assert.equal(failing.transport.openings[0]?.token, "t");
  failing.client.close();
});

test("an iterator gives what comes until the client leaves", async () => {
  const { client, transport } = fake();
  client.connect();
  await settled();
  transport.receiver.opened("sse", false);
  const heard: string[] = [];
  const stream = client.notifications();
  transport.receiver.notification(notification("a"), "e-1");
  const done = (async () => {
    for await (const { id } of stream) heard.push(id);
  })();
  await settled();
  transport.receiver.notification(notification("b"), "e-2");
  await settled();
  client.close();
  await done;
  assert.deepEqual(heard, ["a", "b"]);
});

test("an iterator tells that it was refused, and that too many wait", async () => {
  const { client, transport } = fake();
  client.connect();
  await settled();
  transport.receiver.opened("sse", false);
  const narrow = client.notifications({ buffer: 1 });
  const refused = client.notifications().next();
  for (const id of ["a", "b"]) transport.receiver.notification(notification(id), id);
  assert.equal((await refused).value?.id, "a");
  assert.equal((await narrow.next()).value?.id, "a");
  await assert.rejects(narrow.next(), { code: "OVERFLOW" });
  assert.equal((await narrow.next()).done, true);
  const waiting = client.notifications().next();
  transport.receiver.refused(new RealtimeError("no", "TOKEN_SIGNATURE", 401));
  await assert.rejects(waiting, { code: "TOKEN_SIGNATURE" });
});

test("an iterator ends with its signal", async () => {
  const { client } = fake();
  const life = new AbortController();
  const next = client.notifications({ signal: life.signal }).next();
  life.abort();
  assert.equal((await next).done, true);
});

test("a listener that throws keeps no other from hearing, and what it throws is not lost", (context) => {
  const { client, transport } = fake();
  const later = context.mock.method(globalThis, "queueMicrotask", () => {});
  const heard: string[] = [];
  client.onNotification(() => {
    throw new Error("broken listener");
  });
  client.onNotification(({ id }) => heard.push(id));
  transport.receiver.notification(notification("a"), "e-1");
  assert.deepEqual(heard, ["a"]);
  const thrown = later.mock.calls.map(({ arguments: [callback] }) => callback);
  assert.throws(() => thrown[0]?.(), /broken listener/);
});

test("a client that left and connects again goes on from its cursor", async () => {
  const { client, transport } = fake();
  client.connect();
  await settled();
  transport.receiver.opened("sse", false);
  transport.receiver.cursor("e-5");
  client.close();
  client.connect();
  await settled();
  assert.equal(transport.openings[1]?.cursor, "e-5");
  client.close();
});
