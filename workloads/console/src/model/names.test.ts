import { expect, test } from "vitest";
import { channelsOf } from "./names";

test("reads channels by comma and blank, each once", () => {
  expect(channelsOf("orders, user:7  orders,")).toEqual({ channels: ["orders", "user:7"] });
  expect(channelsOf("  ")).toEqual({ channels: [] });
});

test("says which name is none", () => {
  expect(channelsOf("orders,a*")).toEqual({ complaint: expect.stringContaining("“a*”") });
  expect(channelsOf("x".repeat(129))).toHaveProperty("complaint");
});
