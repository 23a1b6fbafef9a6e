import type { Health } from "@realtimestack/client";
import { ProblemError } from "@realtimestack/client";
import { expect, test, vi } from "vitest";
import { reader } from "./useReadiness";

const HEALTH: Health = {
  status: "healthy",
  timestamp: "2026-11-21T10:00:00.000Z",
  services: { redis: { status: "healthy", message: "answers" } },
};

function asked(status: number) {
  const stack = vi.fn(async () => {
    throw new ProblemError(status, { detail: 'its claim channels lacks "*"' });
  });
  return { stack, health: vi.fn(async () => HEALTH) };
}

test("a token that is refused the stack is told what it lacks, and the stack is not asked for again", async () => {
  const api = asked(403);
  const read = reader(api);
  for (let time = 0; time < 3; time += 1) {
    const { refusal, rows } = await read();
    expect([refusal, rows.map(({ name }) => name)]).toEqual(['its claim channels lacks "*"', ["redis"]]);
  }
  expect([api.stack.mock.calls.length, api.health.mock.calls.length]).toEqual([1, 3]);
});

test("a stack whose status cannot be read now is asked for each time", async () => {
  const api = asked(503);
  const read = reader(api);
  expect([(await read()).refusal, (await read()).refusal]).toEqual([undefined, undefined]);
  expect(api.stack.mock.calls.length).toBe(2);
});
