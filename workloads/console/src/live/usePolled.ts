import { useEffect, useRef, useState } from "react";
import { refusalOf } from "../model/sentence";

/** What was read last, and why the last reading failed if it did. */
export interface Polled<T> {
  value: T | undefined;
  failure: unknown;
}

/** Reads again and again while the page is seen: `pause` milliseconds after each answer, so that a slow API is not asked twice at once. What is refused for good is not asked again. */
export function usePolled<T>(read: () => Promise<T>, pause: number, onValue?: (value: T) => void): Polled<T> {
  const [polled, setPolled] = useState<Polled<T>>({ value: undefined, failure: undefined });
  const told = useRef(onValue);
  told.current = onValue;
  useEffect(() => {
    let over = false;
    let reading = false;
    let refused = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const turn = async () => {
      timer = undefined;
      if (document.hidden) return;
      reading = true;
      try {
        const value = await read();
        if (over) return;
        told.current?.(value);
        setPolled({ value, failure: undefined });
      } catch (failure) {
        refused = refusalOf(failure) !== undefined;
        if (!over) setPolled((before) => ({ ...before, failure }));
      }
      reading = false;
      if (!over && !refused) timer = setTimeout(turn, pause);
    };
    const seen = () => {
      if (!document.hidden && !reading && !refused && timer === undefined) timer = setTimeout(turn, 0);
    };
    document.addEventListener("visibilitychange", seen);
    timer = setTimeout(turn, 0);
    return () => {
      over = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", seen);
    };
  }, [read, pause]);
  return polled;
}
