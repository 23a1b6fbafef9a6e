import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import { createClient, type Receiver } from "@realtimestack/client";
import { SocketIoTransport } from "../dist/transport/socketio.js";
import { notification, settled } from "./fakes.js";

/** A socket of the official client that does what the test says. */
class FakeSocket extends EventEmitter {
  static all: FakeSocket[] = [];
  readonly engine = Object.assign(new EventEmitter(), { transport: { name: "polling" } });
  readonly io = Object.assign(new EventEmitter(), { engine: this.engine, off: () => {} });
  connected = false;
  active = true;
  connects = 0;
  readonly asked: [string, unknown][] = [];
  answers: unknown[] = [];
  constructor(readonly url: string, readonly options: { auth(tell: (auth: object) => void): void; reconnection: boolean }) {
    super();
    FakeSocket.all.push(this);
  }
  override off(): this {
    return this.removeAllListeners();
  }
  connect(): void {
    this.connects += 1;
  }
  disconnect(): void {
    this.connected = false;
  }
  timeout(): this {
    return this;
  }
  async emitWithAck(event: string, value: unknown): Promise<unknown> {
    this.asked.push([event, value]);
    const answer = this.answers.shift();
    if (answer === undefined) throw new Error("operation has timed out");
    return answer;
  }
  auth(): object {
    let told = {};
    this.options.auth((auth) => (told = auth));
    return told;
  }
  greet(recovered = false): void {
    this.connected = true;
    this.emit("connected", { recovered, timestamp: "2026-11-21T10:00:00.000Z" }, "e-1");
  }
}

async function open(options: { channels?: string[]; token?: () => string } = {}) {
  FakeSocket.all = [];
  const io = ((url: string, given: never) => new FakeSocket(url, given)) as never;
  const transportFactory = (receiver: Receiver) => new SocketIoTransport({ url: "http://api.test", io }, receiver);
  const client = createClient({ url: "http://api.test", transportFactory, ...options });
  client.connect();
  await settled();
  return { client, socket: () => FakeSocket.all.at(-1)! };
}

test("it shows token, channels and cursor each time it connects", async () => {
  const { client, socket } = await open({ channels: ["a"], token: () => "t" });
  assert.deepEqual(socket().auth(), { channels: ["a"], token: "t" });
  assert.equal(socket().options.reconnection, false);
  socket().greet();
  socket().emit("cursor", "e-7");
  socket().connected = false;
  socket().emit("disconnect", "transport close");
  await new Promise<void>((resolve) => client.on("state", ({ retryAt }) => retryAt === undefined && resolve()));
  await settled();
  assert.deepEqual(socket().auth(), { channels: ["a"], token: "t", resume: "e-7" });
  assert.equal(socket().connects, 2);
  assert.equal(FakeSocket.all.length, 1, "the session is that of the same socket");
  client.close();
});

test("it tells what it speaks", async () => {
  const { client, socket } = await open();
  socket().io.emit("open");
  socket().greet();
  assert.equal(client.state.transport, "polling");
  socket().engine.transport.name = "websocket";
  socket().engine.emit("upgrade");
  assert.equal(client.state.transport, "websocket");
  client.close();
});

test("events bring notifications, gaps and cursors", async () => {
  const { client, socket } = await open();
  const heard: unknown[] = [];
  client.onNotification(({ id }) => heard.push(id));
  client.on("gap", ({ reason }) => heard.push(reason));
  socket().greet();
  socket().emit("notification", notification("a"), "e-2");
  socket().emit("notification", { what: "else" }, "e-3");
  socket().emit("gap", { reason: "limit", from: "e-2", to: "e-9" }, "e-9");
  assert.deepEqual([heard, client.cursor], [["a", "limit"], "e-9"]);
  client.close();
});

test("a refusal is told from a network that is away", async () => {
  const away = await open();
  away.socket().emit("connect_error", new Error("xhr poll error"));
  assert.deepEqual([away.client.state.status, away.client.state.reason], ["connecting", "xhr poll error"]);
  away.client.close();
  const refused = await open();
  refused.socket().active = false;
  const error = Object.assign(new Error("the token is for another audience"), { data: { code: "TOKEN_AUDIENCE", status: 401 } });
  refused.socket().emit("connect_error", error);
  const { status, error: told } = refused.client.state;
  assert.deepEqual([status, told?.code, told?.status, told?.message], ["closed", "TOKEN_AUDIENCE", 401, "the token is for another audience"]);
});

test("who is sent away stays away", async () => {
  const { client, socket } = await open();
  socket().greet();
  socket().emit("disconnect", "io server disconnect");
  assert.deepEqual([client.state.status, client.state.error?.code], ["closed", "DISCONNECTED"]);
});

test("wishes are acknowledged", async () => {
  const { client, socket } = await open({ channels: ["a"] });
  socket().greet();
  socket().answers = [{ status: "ok", channels: ["a", "b"] }, { status: "error", message: "too many", code: "TOO_MANY" }];
  assert.deepEqual(await client.subscribe("b"), ["a", "b"]);
  await assert.rejects(client.subscribe("c"), { code: "TOO_MANY", message: "too many" });
  assert.deepEqual(client.channels, ["a", "b"]);
  assert.deepEqual(socket().asked, [["subscribe", ["a", "b"].slice(1)], ["subscribe", ["c"]]]);
  client.close();
});

test("channels that changed while it was away are those of a new session", async () => {
  const { client, socket } = await open({ channels: ["a"] });
  socket().greet();
  socket().connected = false;
  socket().emit("disconnect", "ping timeout");
  await client.subscribe("b");
  await new Promise<void>((resolve) => client.on("state", ({ retryAt }) => retryAt === undefined && resolve()));
  await settled();
  assert.equal(FakeSocket.all.length, 2);
  assert.deepEqual(socket().auth(), { channels: ["a", "b"], resume: "e-1" });
  client.close();
});

test("a token is refreshed by an event", async () => {
  let count = 0;
  const { client, socket } = await open({ token: () => `token ${(count += 1)}` });
  socket().greet();
  socket().answers = [{ status: "ok", expiresAt: "2026-11-21T11:00:00.000Z" }];
  socket().emit("expiring", { expiresAt: "2026-11-21T10:00:30.000Z" });
  await settled();
  assert.deepEqual(socket().asked, [["refresh", "token 2"]]);
  assert.deepEqual(socket().auth(), { token: "token 2" });
  assert.equal(client.state.status, "connected");
  client.close();
});
