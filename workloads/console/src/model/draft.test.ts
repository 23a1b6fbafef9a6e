import { expect, test } from "vitest";
import { draftOf, type Fields } from "./draft";

const fields = (more: Partial<Fields>): Fields => ({
  message: "hello",
  type: "info",
  to: "channel",
  address: "orders",
  data: "",
  ...more,
});

test("makes a draft of what is filled in", () => {
  expect(draftOf(fields({ data: ' {"order": 7} ' }))).toEqual({
    draft: { message: "hello", type: "info", channel: "orders", data: { order: 7 } },
  });
});

test("leaves to the API what is left out", () => {
  expect(draftOf(fields({ type: " ", address: "" }))).toEqual({ draft: { message: "hello" } });
});

test("addresses a user in place of a channel", () => {
  expect(draftOf(fields({ to: "user", address: " a+b@c.d " }))).toEqual({
    draft: { message: "hello", type: "info", user: "a+b@c.d" },
  });
  expect(draftOf(fields({ to: "user", address: "" }))).toHaveProperty("complaints.user", "Name the user.");
});

test("posts null and false, which are data, too", () => {
  expect(draftOf(fields({ data: "false" }))).toHaveProperty("draft.data", false);
  expect(draftOf(fields({ data: "null" }))).toHaveProperty("draft.data", null);
});

test("names every field that is wrong", () => {
  const wrong = draftOf(fields({ message: " \n", type: "x".repeat(65), address: "a b", data: "{" }));
  expect(Object.keys((wrong as { complaints: object }).complaints)).toEqual([
    "message",
    "type",
    "channel",
    "data",
  ]);
});
