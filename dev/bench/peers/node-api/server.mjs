// The peer on Node: Express, socket.io and ioredis as their documentation shows them. A POST publishes to Redis, a subscriber emits to everybody.
// Nothing is stored. The only settings are the address and a backlog that takes a crowd.
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import express from "express";
import { Redis } from "ioredis";
import { Server } from "socket.io";

const [redis, port, channel] = process.argv.slice(2);
const publisher = new Redis(redis);
const subscriber = new Redis(redis);

const app = express();
app.use(express.json());
app.post("/api/notifications", async (request, response) => {
  const { message, type = "info", channel: subject = "default", data } = request.body;
  const timestamp = new Date().toISOString();
  const notification = { id: randomUUID(), message, type, channel: subject, status: "processed", timestamp, data };
  await publisher.publish(channel, JSON.stringify(notification));
  response.status(201).json(notification);
});

const server = createServer(app);
const io = new Server(server);
io.on("connection", (socket) => {
  const timestamp = new Date().toISOString();
  socket.emit("connected", { message: "Connected to notifications", id: socket.id, timestamp });
});
subscriber.on("message", (_, text) => io.emit("notification", JSON.parse(text)));
await subscriber.subscribe(channel);
server.listen({ port: Number(port), host: "127.0.0.1", backlog: 4096 });
