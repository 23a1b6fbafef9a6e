// The peer on Node: the REST of the service that was replaced. Express, ioredis, pg and kafkajs as their documentation shows them, with the
// list cached in Redis for a minute, the metrics of the original by prom-client, and a line of JSON for each request by pino. It has no traces,
// no outbox and no history. The only settings are the addresses.
import { randomUUID } from "node:crypto";
import express from "express";
import { Redis } from "ioredis";
import { Kafka, logLevel } from "kafkajs";
import pg from "pg";
import { pino } from "pino";
import { Counter, Histogram } from "prom-client";

const [redisUrl, postgresUrl, brokers, topic, port] = process.argv.slice(2);
const logger = pino();
const redis = new Redis(redisUrl);
const pool = new pg.Pool({ connectionString: postgresUrl, max: 20 });
const producer = new Kafka({ clientId: "node-rest", brokers: [brokers], logLevel: logLevel.WARN }).producer();

const labelNames = ["method", "route", "status"];
const seconds = new Histogram({ name: "http_request_duration_seconds", help: "Seconds until the answer", labelNames });
const requests = new Counter({ name: "http_requests_total", help: "Requests", labelNames });
const hits = new Counter({ name: "cache_hits_total", help: "Lists from the cache" });
const misses = new Counter({ name: "cache_misses_total", help: "Lists from Postgres" });

await pool.query(`
  CREATE TABLE IF NOT EXISTS node_notifications (
    id uuid PRIMARY KEY, message text NOT NULL, type text NOT NULL, channel text NOT NULL, status text NOT NULL, data json,
    created_at timestamptz NOT NULL
  );
  CREATE INDEX IF NOT EXISTS node_notifications_newest ON node_notifications (created_at DESC, id DESC)`);
await producer.connect();

const LIST = `
  SELECT id, message, type, channel, status, created_at AS timestamp, data FROM node_notifications
  ORDER BY created_at DESC, id DESC LIMIT 50`;
const INSERT = `
  INSERT INTO node_notifications (id, message, type, channel, status, data, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`;

const app = express();
app.use((request, response, next) => {
  const begun = process.hrtime.bigint();
  response.on("finish", () => {
    const elapsed = Number(process.hrtime.bigint() - begun) / 1e9;
    const labels = { method: request.method, route: request.route?.path ?? "unmatched", status: response.statusCode };
    seconds.observe(labels, elapsed);
    requests.inc(labels);
    logger.info({ ...labels, milliseconds: Math.round(elapsed * 1000) }, "request answered");
  });
  next();
});
app.use(express.json());

app.get("/api/notifications", async (_, response) => {
  const cached = await redis.get("node:notifications");
  if (cached) {
    hits.inc();
    return response.json(JSON.parse(cached));
  }
  misses.inc();
  const { rows } = await pool.query({ name: "list", text: LIST });
  await redis.setex("node:notifications", 60, JSON.stringify(rows));
  response.json(rows);
});

app.post("/api/notifications", async (request, response) => {
  const { message, type = "info", channel = "default", data = null } = request.body ?? {};
  if (typeof message !== "string" || message.trim() === "") {
    return response.status(422).json({ error: "message is missing" });
  }
  const timestamp = new Date().toISOString();
  const notification = { id: randomUUID(), message, type, channel, status: "pending", timestamp, data };
  const values = [notification.id, message, type, channel, "pending", JSON.stringify(data), timestamp];
  await pool.query({ name: "insert", text: INSERT, values });
  await producer.send({ topic, messages: [{ key: channel, value: JSON.stringify(notification) }] });
  await redis.del("node:notifications");
  logger.info({ notification_id: notification.id, channel }, "notification accepted");
  response.status(201).json(notification);
});

app.listen({ port: Number(port), host: "127.0.0.1", backlog: 4096 });
