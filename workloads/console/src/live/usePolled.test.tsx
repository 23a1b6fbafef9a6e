// @vitest-environment jsdom
import { ProblemError } from "@realtimestack/client";
import { act } from "react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { show } from "../testing/page";
import { usePolled } from "./usePolled";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function seen(isSeen: boolean) {
  Object.defineProperty(document, "hidden", { configurable: true, value: !isSeen });
  document.dispatchEvent(new Event("visibilitychange"));
}

test("a page that is hidden and seen again while it reads goes on with one reading at a time", async () => {
  const answers: ((value: number) => void)[] = [];
  const read = () => new Promise<number>((resolve) => answers.push(resolve));
  const Reader = () => usePolled(read, 1000).value ?? "nothing";
  const { place, close } = await show(<Reader />);
  await act(() => vi.advanceTimersByTimeAsync(0));
  expect(answers.length).toBe(1);
  seen(false);
  seen(true);
  await act(() => vi.advanceTimersByTimeAsync(10));
  expect(answers.length).toBe(1);
  answers[0]?.(1);
  await act(() => vi.advanceTimersByTimeAsync(1000));
  expect([place.textContent, answers.length]).toEqual(["1", 2]);
  answers[1]?.(2);
  await act(() => vi.advanceTimersByTimeAsync(0));
  seen(false);
  await act(() => vi.advanceTimersByTimeAsync(5000));
  expect(answers.length).toBe(2);
  seen(true);
  await act(() => vi.advanceTimersByTimeAsync(0));
  expect([place.textContent, answers.length]).toEqual(["2", 3]);
  await close();
});

test("what is refused for good is not asked again, also when the page is seen again; what fails otherwise is", async () => {
  for (const [status, asked] of [
    [403, 1],
    [503, 3],
  ]) {
    const read = vi.fn(async () => {
      throw new ProblemError(status ?? 0, { detail: "refused" });
    });
    const Reader = () => String(usePolled(read, 1000).failure);
    const { place, close } = await show(<Reader />);
    await act(() => vi.advanceTimersByTimeAsync(1500));
    seen(false);
    await act(() => vi.advanceTimersByTimeAsync(1000));
    seen(true);
    await act(() => vi.advanceTimersByTimeAsync(500));
    expect([place.textContent, read.mock.calls.length]).toEqual(["ProblemError: refused", asked]);
    await close();
  }
});
