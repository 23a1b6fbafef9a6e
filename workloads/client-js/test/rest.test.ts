import assert from "node:assert/strict";
import { test } from "node:test";
import { ProblemError, RealtimeError, createApi } from "@realtimestack/client";
import { nextCursor } from "../dist/rest/api.js";
import { newKey } from "../dist/rest/key.js";
import { pause } from "../dist/rest/request.js";
import { notification, server } from "./fakes.js";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const AWAY = { status: 503, body: { title: "Service Unavailable", detail: "postgres does not serve", dependency: "postgres" } };

test("a publication is tried again by the same key", async () => {
  const { fetch, requests } = server(new TypeError("fetch failed"), AWAY, { status: 201, body: notification("a") });
  const api = createApi({ url: "http://api.test/", fetch });
  const published = await api.publish({ message: "hello", user: "7" });
  assert.equal(published.id, "a");
  assert.deepEqual(requests.map(({ method, url }) => `${method} ${url}`), Array(3).fill("POST http://api.test/api/notifications"));
  const keys = requests.map(({ headers }) => headers["idempotency-key"]);
  assert.match(keys[0] ?? "", UUID);
  assert.equal(new Set(keys).size, 1);
  assert.deepEqual(requests[2]?.body, { message: "hello", user: "7" });
});

test("two publications have two keys, and one's own is taken", async () => {
  const { fetch, requests } = server({ status: 201, body: notification("a") });
  const api = createApi({ url: "", fetch });
  await api.publish({ message: "hello" });
  await api.publishBatch([{ message: "hello" }]);
  await api.publish({ message: "hello" }, { idempotencyKey: "order-7" });
  const keys = requests.map(({ headers }) => headers["idempotency-key"]);
  assert.equal(new Set(keys).size, 3);
  assert.equal(keys[2], "order-7");
  assert.deepEqual(requests[1], { ...requests[1], url: "/api/notifications/batch", body: { notifications: [{ message: "hello" }] } });
});

test("what is wrong with a request is told at once, with the field", async () => {
  const { fetch, requests } = server({ status: 422, body: { title: "Unprocessable Content", detail: "message must be a text", field: "message", code: "FIELD" } });
  const error: unknown = await createApi({ url: "", fetch }).publish({ message: "" }).catch((error: unknown) => error);
  assert.ok(error instanceof ProblemError && error instanceof RealtimeError);
  const { status, title, detail, field, code } = error;
  assert.deepEqual({ status, title, detail, field, code }, { status: 422, title: "Unprocessable Content", detail: "message must be a text", field: "message", code: "FIELD" });
  assert.equal(requests.length, 1);
});

test("it gives up after the tries, with the last failure", async () => {
  const { fetch, requests } = server(AWAY);
  await assert.rejects(createApi({ url: "", fetch, retries: 1 }).list(), { dependency: "postgres", status: 503 });
  assert.equal(requests.length, 2);
  const away = server(new TypeError("fetch failed"));
  await assert.rejects(createApi({ url: "", fetch: away.fetch, retries: 0 }).list(), { code: "UNREACHABLE" });
});

test("the pause doubles, is as long as the server says, and not longer than 10 s", () => {
  const error = (after?: number) => new ProblemError(429, {}, after);
  assert.deepEqual([0, 1, 2, 9].map((attempt) => pause(error(), attempt, 1)), [250, 500, 1000, 4000]);
  assert.equal(pause(error(), 0, 0), 125);
  assert.equal(pause(error(3), 0, 0), 3000);
  assert.equal(pause(error(300), 0, 0), 10_000);
});

test("a signal ends the request and its retries", async () => {
  const { fetch, requests } = server(AWAY);
  const life = new AbortController();
  const listing = createApi({ url: "", fetch }).list({ signal: life.signal });
  life.abort(new Error("unmounted"));
  await assert.rejects(listing, /unmounted/);
  assert.ok(requests.length <= 1);
});

test("an expired token is renewed once", async () => {
  const expired = { status: 401, body: { code: "TOKEN_EXPIRED", detail: "the token has expired" } };
  let count = 0;
  const token = () => `token ${(count += 1)}`;
  const once = server(expired, { body: [] });
  await createApi({ url: "", token, fetch: once.fetch }).list();
  assert.deepEqual(once.requests.map(({ headers }) => headers["authorization"]), ["Bearer token 1", "Bearer token 2"]);
  const always = server(expired);
  await assert.rejects(createApi({ url: "", token, fetch: always.fetch }).list(), { code: "TOKEN_EXPIRED" });
  assert.equal(always.requests.length, 2);
});

test("pages follow one another to the last", async () => {
  const link = { link: '</api/notifications?limit=1&cursor=12-a%2Fb>; rel="next"' };
  const { fetch, requests } = server({ body: [notification("b")], headers: link }, { body: [notification("a")] });
  const ids: string[] = [];
  for await (const { id } of createApi({ url: "", fetch }).pages({ limit: 1, channel: ["x", "y"], status: "pending" })) ids.push(id);
  assert.deepEqual(ids, ["b", "a"]);
  assert.deepEqual(requests.map(({ url }) => url), [
    "/api/notifications?limit=1&channel=x%2Cy&status=pending",
    "/api/notifications?limit=1&cursor=12-a%2Fb&channel=x%2Cy&status=pending",
  ]);
});

test("only the next page is taken from a link", () => {
  assert.equal(nextCursor(null), undefined);
  assert.equal(nextCursor('<http://api/x?cursor=1>; rel="prev", <http://api/x?cursor=2>; rel="next"'), "2");
  assert.equal(nextCursor("</x?limit=1>; rel=next"), undefined);
});

test("an inbox says how many are unread", async () => {
  const body = [{ ...notification("a", { channel: "user:7" }), readAt: null }];
  const { fetch, requests } = server({ body, headers: { "x-unread-count": "1000+" } }, { body: [], headers: { "x-unread-count": "3" } });
  const api = createApi({ url: "", fetch });
  const inbox = await api.inbox("a/7", { read: false, limit: 5 });
  assert.deepEqual([inbox.items[0]?.readAt, inbox.unread, inbox.unreadIsMore], [null, 1000, true]);
  assert.equal(requests[0]?.url, "/api/users/a%2F7/notifications?limit=5&read=false");
  assert.deepEqual(await api.inbox("me"), { items: [], unread: 3, unreadIsMore: false });
});

test("all are marked as read, however many requests that takes", async () => {
  const { fetch, requests } = server({ body: { changed: 5000, complete: false } }, { body: { changed: 7, complete: true } });
  assert.deepEqual(await createApi({ url: "", fetch }).markAllRead("7"), { changed: 5007 });
  assert.equal(requests.length, 2);
});

test("the other calls ask for what they are called", async () => {
  const { fetch, requests } = server({ body: { complete: true } });
  const api = createApi({ url: "", fetch });
  await Promise.resolve()
    .then(() => api.get("a"))
    .then(() => api.history("a"))
    .then(() => api.markRead("me", "a"))
    .then(() => api.markUnread("me", "a"))
    .then(() => api.markAllRead("me"))
    .then(() => api.ticket())
    .then(() => api.figures())
    .then(() => api.stack());
  assert.deepEqual(requests.map(({ method, url }) => `${method} ${url}`), [
    "GET /api/notifications/a",
    "GET /api/notifications/a/events",
    "PUT /api/users/me/notifications/a/read",
    "DELETE /api/users/me/notifications/a/read",
    "PUT /api/users/me/notifications/read",
    "POST /api/tickets",
    "GET /api/figures",
    "GET /api/stack",
  ]);
});

test("bad health is an answer", async () => {
  const { fetch } = server({ status: 503, body: { status: "unhealthy", services: {} } });
  assert.equal((await createApi({ url: "", fetch }).health()).status, "unhealthy");
});

test("keys are UUIDs, each another one", () => {
  const keys = Array.from({ length: 100 }, newKey);
  for (const key of keys) assert.match(key, UUID);
  assert.equal(new Set(keys).size, 100);
});
