import assert from "node:assert/strict";
import { test } from "node:test";
import { RealtimeError } from "@realtimestack/client";
import { fake, settled, until } from "./fakes.js";

test("channels are asked for at once while it is open, else with the next connection", async () => {
  const { client, transport } = fake({ channels: ["a"] });
  assert.deepEqual(await client.subscribe("b"), ["a", "b"]);
  client.connect();
  await settled();
  transport.receiver.opened("websocket", false);
  assert.deepEqual(await client.subscribe(["c", "b"]), ["a", "b", "c"]);
  assert.deepEqual(await client.unsubscribe("a"), ["b", "c"]);
  assert.deepEqual(transport.openings[0]?.channels, ["a", "b"]);
  assert.deepEqual(transport.wishes, [["subscribe", ["b", "c"]], ["unsubscribe", ["a"]]]);
  transport.failure = new RealtimeError("the token does not permit this channel", "CHANNEL_FORBIDDEN");
  await assert.rejects(client.subscribe("x"), { code: "CHANNEL_FORBIDDEN" });
  assert.deepEqual(client.channels, ["b", "c"]);
  transport.failure = new RealtimeError("the server did not answer", "NO_ANSWER");
  assert.deepEqual(await client.subscribe("d"), ["b", "c", "d"]);
  client.close();
});

test("channels that are wanted while it connects are asked for when it is there", async () => {
  const { client, transport } = fake({ channels: ["a"] });
  client.connect();
  await settled();
  const subscribing = client.subscribe("b");
  transport.receiver.opened("websocket", false);
  assert.deepEqual(await subscribing, ["a", "b"]);
  assert.deepEqual(transport.wishes, [["subscribe", ["b"]]]);
  transport.receiver.cut("transport close", true);
  const again = client.subscribe("c");
  transport.receiver.cut("timeout", false);
  assert.deepEqual(await again, ["a", "b", "c"]);
  await until(client, (state) => state.retryAt === undefined);
  await settled();
  assert.deepEqual(transport.openings[1]?.channels, ["a", "b", "c"]);
  assert.equal(transport.wishes.length, 1);
  client.close();
});

test("wishes are carried out one after the other, and a refused one takes no other with it", async () => {
  const { client, transport } = fake({ channels: ["a"] });
  client.connect();
  await settled();
  transport.receiver.opened("websocket", false);
  const change = transport.change.bind(transport);
  const answers: (() => void)[] = [];
  transport.change = async (...wish) => {
    await new Promise<void>((resolve) => answers.push(resolve));
    return change(...wish);
  };
  const [first, second] = [client.subscribe("x"), client.subscribe("b")];
  await settled();
  transport.failure = new RealtimeError("the token does not permit this channel", "CHANNEL_FORBIDDEN");
  answers[0]?.();
  await assert.rejects(first, { code: "CHANNEL_FORBIDDEN" });
  await settled();
  answers[1]?.();
  assert.deepEqual(await second, ["a", "b"]);
  assert.deepEqual(transport.wishes, [["subscribe", ["x"]], ["subscribe", ["b"]]]);
  transport.receiver.cut("transport close", false);
  await until(client, (state) => state.retryAt === undefined);
  await settled();
  assert.deepEqual(transport.openings[1]?.channels, ["a", "b"]);
  client.close();
});

test("a wish right behind connect is not lost", async () => {
  const { client, transport } = fake({ channels: ["a"] });
  client.connect();
  const subscribing = client.subscribe("b");
  await settled();
  transport.receiver.opened("websocket", false);
  assert.deepEqual(await subscribing, ["a", "b"]);
  assert.deepEqual([transport.openings[0]?.channels, transport.wishes], [["a"], [["subscribe", ["b"]]]]);
  client.close();
});

test("channels that were added before the connection and are forbidden are let go, and it connects without them", async () => {
  const { client, transport } = fake({ channels: ["a"] });
  const codes: string[] = [];
  client.on("error", ({ code }) => codes.push(code));
  await client.subscribe("x");
  client.connect();
  await settled();
  const forbidden = new RealtimeError("the token does not permit this channel", "CHANNEL_FORBIDDEN", 403);
  transport.receiver.refused(forbidden);
  assert.deepEqual([client.state.status, client.channels, codes], ["connecting", ["a"], ["CHANNEL_FORBIDDEN"]]);
  await until(client, (state) => state.retryAt === undefined);
  await settled();
  assert.deepEqual(transport.openings.map(({ channels }) => channels), [["a", "x"], ["a"]]);
  transport.receiver.refused(forbidden);
  assert.equal(client.state.status, "closed", "without the channels that it was made with there is nothing to go on with");
});

test("from all channels those named remain, and none can be taken away", async () => {
  const { client } = fake();
  assert.equal(client.channels, "*");
  await assert.rejects(client.unsubscribe("a"), { code: "REFUSED" });
  assert.deepEqual(await client.subscribe("a"), ["a"]);
  assert.equal(await client.subscribe("*"), "*");
});
