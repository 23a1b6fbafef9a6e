// The peer on Node: kafkajs to better-sse. It takes the record's own text, splices `broadcastTimestamp` into it and serialises each event once,
// which is the cheapest way that the library's documentation shows.
import { webcrypto } from "node:crypto";
import { createServer } from "node:http";
import { createChannel, createSession } from "better-sse";
import { Kafka, logLevel } from "kafkajs";

// Node 18, which Debian 12 has, keeps it in the module only; the library expects the global.
globalThis.crypto ??= webcrypto;

const [brokers, port, topic] = process.argv.slice(2);
const channel = createChannel();

createServer(async (request, response) => {
  const session = await createSession(request, response, { serializer: (text) => text, keepAlive: 30_000 });
  channel.register(session);
  const timestamp = new Date().toISOString();
  session.push(JSON.stringify({ type: "connection", message: "Connected to notifications stream", timestamp }));
}).listen({ port: Number(port), host: "127.0.0.1", backlog: 4096 });

const kafka = new Kafka({ clientId: "bench-node", brokers: brokers.split(","), logLevel: logLevel.ERROR });
const consumer = kafka.consumer({ groupId: `bench-node-${process.pid}`, minBytes: 1, maxWaitTimeInMs: 50 });
await consumer.connect();
await consumer.subscribe({ topics: [topic], fromBeginning: false });
await consumer.run({
  eachMessage: async ({ message }) => {
    const fields = message.value.toString().trimEnd().slice(0, -1);
    channel.broadcast(`${fields},"broadcastTimestamp":"${new Date().toISOString()}"}`);
  },
});
