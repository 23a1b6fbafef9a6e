import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient, type ClientOptions, type EventSourceMessage } from "@realtimestack/client";
import { notification, server, settled } from "./fakes.js";

/** An EventSource that does what the test says. */
class FakeSource {
  static all: FakeSource[] = [];
  readyState = 0;
  isClosed = false;
  onmessage: ((event: EventSourceMessage) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  readonly #listeners = new Map<string, (event: never) => void>();
  constructor(readonly url: string) {
    FakeSource.all.push(this);
  }
  addEventListener(type: string, listener: (event: never) => void): void {
    this.#listeners.set(type, listener);
  }
  close(): void {
    this.isClosed = true;
  }
  say(data: object, lastEventId: string, type = "message"): void {
    const event = { data: JSON.stringify(data), lastEventId };
    if (type === "message") this.onmessage?.(event);
    else this.#listeners.get(type)?.(event as never);
  }
  begin(id: string): void {
    this.say({ type: "connection", message: "Connected", timestamp: "2026-11-21T10:00:00.000Z" }, id);
  }
  fail(readyState: number): void {
    this.readyState = readyState;
    this.onerror?.(undefined as never);
  }
}

async function open(options: Partial<ClientOptions> = {}) {
  FakeSource.all = [];
  const client = createClient({ url: "http://api.test", transport: "sse", eventSource: FakeSource, retries: 0, ...options });
  client.connect();
  await settled();
  return { client, source: () => FakeSource.all.at(-1)! };
}

const ticket = (text: string) => ({ status: 201, body: { ticket: text, expiresAt: "2026-11-21T11:00:00.000Z" } });

test("it is open when the first frame is there, and hears notifications, also of type connection", async () => {
  const { client, source } = await open({ channels: ["a", "b"], since: "e-1" });
  assert.equal(source().url, "http://api.test/api/sse/notifications?channels=a%2Cb&since=e-1");
  assert.equal(client.state.status, "connecting");
  source().begin("e-1");
  const heard: string[] = [];
  client.onNotification(({ id }) => heard.push(id));
  source().say(notification("x", { type: "connection" }), "e-2");
  assert.deepEqual([client.state.status, client.state.recovered, client.cursor, heard], ["connected", true, "e-2", ["x"]]);
  client.close();
  assert.ok(source().isClosed);
});

test("what it opens again by itself is told as a cut and a return", async () => {
  const { client, source } = await open();
  source().begin("e-1");
  const states: string[] = [];
  client.on("state", ({ status, recovered }) => states.push(`${status} ${recovered}`));
  source().fail(0);
  source().begin("e-1");
  assert.deepEqual(states, ["reconnecting false", "connected true"]);
  assert.equal(FakeSource.all.length, 1);
  client.close();
});

test("a gap is told with its cursor", async () => {
  const { client, source } = await open();
  const gaps: string[] = [];
  client.on("gap", ({ reason }) => gaps.push(reason));
  source().begin("e-1");
  source().say({ reason: "epoch", from: "e-1", to: "f-0" }, "f-0", "gap");
  assert.deepEqual([gaps, client.cursor], [["epoch"], "f-0"]);
  client.close();
});

test("a token becomes a ticket, and a new one before it expires", async () => {
  const { fetch, requests } = server(ticket("one"), ticket("two"));
  let count = 0;
  const { client, source } = await open({ fetch, token: () => `token ${(count += 1)}` });
  assert.deepEqual(requests[0], { ...requests[0], method: "POST", url: "http://api.test/api/tickets" });
  assert.equal(requests[0]?.headers["authorization"], "Bearer token 1");
  assert.match(source().url, /\?ticket=one$/);
  source().begin("e-1");
  const states: string[] = [];
  client.on("cut", () => states.push("cut"));
  const [first] = FakeSource.all;
  source().say({ expiresAt: "2026-11-21T10:00:30.000Z" }, "e-4", "expiring");
  await settled();
  assert.match(source().url, /\?since=e-4&ticket=two$/);
  assert.ok(first?.isClosed);
  assert.deepEqual(states, []);
  client.close();
});

test("where nobody is asked, a token opens a stream without a ticket", async () => {
  const { fetch } = server({ status: 409, body: { detail: "nobody is asked for a token here" } });
  const { client, source } = await open({ fetch, token: "t" });
  assert.equal(source().url, "http://api.test/api/sse/notifications");
  client.close();
});

test("a ticket that is refused ends it with the reason", async () => {
  const { fetch } = server({ status: 401, body: { code: "TOKEN_SIGNATURE", detail: "the token's signature is not valid" } });
  const { client } = await open({ fetch, token: "t" });
  assert.deepEqual([client.state.status, client.state.error?.code], ["closed", "TOKEN_SIGNATURE"]);
  assert.equal(FakeSource.all.length, 0);
});

test("a stream that ended for good is asked why: what is refused stays so", async () => {
  const { fetch, requests } = server({ status: 403, body: { code: "CHANNEL_FORBIDDEN", detail: "the token does not permit this channel" } });
  const { client, source } = await open({ fetch, channels: ["x"] });
  source().fail(2);
  await settled();
  assert.equal(requests[0]?.url, "http://api.test/api/sse/notifications?channels=x");
  assert.deepEqual([client.state.status, client.state.error?.code], ["closed", "CHANNEL_FORBIDDEN"]);
});

test("a stream that ended for good is opened again when the server is away", async () => {
  const { fetch } = server({ status: 502 });
  const { client, source } = await open({ fetch });
  source().begin("e-1");
  source().fail(2);
  await settled();
  assert.equal(client.state.status, "reconnecting");
  assert.ok((client.state.retryAt ?? 0) > 0);
  client.close();
});

test("other channels are another stream from the same place, and no channel is none", async () => {
  const { client, source } = await open({ channels: [] });
  assert.equal(FakeSource.all.length, 0);
  assert.equal(client.state.status, "connected");
  await client.subscribe("a");
  source().begin("e-3");
  await client.subscribe("b");
  assert.match(source().url, /channels=a%2Cb&since=e-3$/);
  assert.ok(FakeSource.all[0]?.isClosed);
  await client.unsubscribe("*");
  assert.ok(source().isClosed);
  assert.equal(client.state.status, "connected");
  client.close();
});

test("a channel that is refused is not subscribed, and the stream goes on", async () => {
  const refusal = { status: 403, body: { code: "CHANNEL_FORBIDDEN", detail: "the token does not permit this channel" } };
  const { fetch, requests } = server(ticket("one"), ticket("two"), refusal, ticket("three"), { status: 200 }, ticket("four"));
  const { client, source } = await open({ fetch, token: "t", channels: ["a"] });
  source().begin("e-1");
  await assert.rejects(client.subscribe("secret"), { code: "CHANNEL_FORBIDDEN", status: 403 });
  assert.match(requests[2]?.url ?? "", /channels=a%2Csecret&since=e-1&ticket=two$/);
  assert.deepEqual([client.channels, client.state.status, FakeSource.all.length, source().isClosed], [["a"], "connected", 1, false]);
  assert.deepEqual(await client.subscribe("b"), ["a", "b"]);
  assert.match(source().url, /channels=a%2Cb&since=e-1&ticket=four$/);
  client.close();
});

test("without an EventSource it says what to give", async () => {
  const client = createClient({ url: "", transport: "sse" });
  client.connect();
  await settled();
  assert.equal(client.state.error?.code, "UNSUPPORTED");
});
