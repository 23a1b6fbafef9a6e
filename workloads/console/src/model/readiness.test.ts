import { expect, test } from "vitest";
import { ofHealth, ofStack, words } from "./readiness";

const stack = {
  name: "demo",
  namespace: "rt",
  ready: false,
  message: "kafka 0/1",
  components: [
    { name: "api", state: "Ready", ready: 2, desired: 2, version: "0.1.0", message: "all well" },
    { name: "consumer", state: "NotReady", ready: 1, desired: 2, message: "one is missing" },
    { name: "kafka", state: "NotReady", ready: 0, desired: 1, message: "pod demo-kafka-0 is Pending" },
    { name: "notifications", state: "RollingOut", ready: 0, desired: 1 },
    { name: "redis", state: "Stopped", ready: 0, desired: 0 },
  ],
};

test("tells of a component that is not ready why, and of others nothing", () => {
  const { name, ready, rows } = ofStack(stack);
  expect([name, ready]).toEqual(["rt/demo", false]);
  expect(rows.map(({ tone, count, message }) => [tone, count, message])).toEqual([
    ["good", "2/2", undefined],
    ["warning", "1/2", "one is missing"],
    ["bad", "0/1", "pod demo-kafka-0 is Pending"],
    ["warning", "0/1", undefined],
    ["quiet", "0/0", undefined],
  ]);
});

test("without an API server tells what the API sees", () => {
  const services = {
    postgres: { status: "healthy", message: "answers" },
    redis: { status: "unhealthy", message: "away" },
  };
  const readiness = ofHealth({ status: "degraded", timestamp: "", services });
  expect(readiness).toMatchObject({ name: undefined, ready: true, message: "the API is degraded" });
  expect(readiness.rows.map(({ name, tone, message }) => [name, tone, message])).toEqual([
    ["postgres", "good", undefined],
    ["redis", "bad", "away"],
  ]);
});

test("says states in words", () => {
  expect(["Ready", "RollingOut", "NotReady", "healthy"].map(words)).toEqual([
    "Ready",
    "Rolling out",
    "Not ready",
    "Healthy",
  ]);
});
