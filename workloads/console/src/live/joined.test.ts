import { expect, test } from "vitest";
import { joined } from "./joined";

test("wishes while it runs are one more run, which begins when it has ended", async () => {
  const ends: ((failure?: Error) => void)[] = [];
  const wish = joined(
    () => new Promise((resolve, reject) => ends.push((failure) => (failure ? reject(failure) : resolve()))),
  );
  const first = wish();
  const second = wish();
  expect(wish()).toBe(second);
  expect(ends.length).toBe(1);
  ends[0]?.(new Error("away"));
  await expect(first).rejects.toThrow("away");
  await expect.poll(() => ends.length).toBe(2);
  ends[1]?.();
  await second;
  const third = wish();
  expect(ends.length).toBe(3);
  ends[2]?.();
  await third;
});
