import { useEffect, useRef, useState } from "react";
import type { Live } from "../live/useLive";
import { outcome } from "../model/journal";

/** Arrivals are told this many milliseconds apart, so that a busy channel does not talk over everything. */
const PAUSE = 15_000;

/** Tells assistive technology of cuts at once, and of arrivals now and then. */
export function Announcer({ live }: { live: Live }) {
  const [text, setText] = useState("");
  const told = useRef({ received: 0, at: 0 });
  const [newest] = live.journal.cuts;
  const resumed = newest?.resumedAt;
  const cutAt = newest?.at;

  // biome-ignore lint/correctness/useExhaustiveDependencies: a cut is told when it begins and when it ends, not with each missed event
  useEffect(() => {
    if (!newest) return;
    setText(resumed === undefined ? "Connection cut." : `Connection ${outcome(newest)}.`);
  }, [cutAt, resumed]);

  useEffect(() => {
    const count = live.received - told.current.received;
    if (count === 0) return;
    const wait = Math.max(0, told.current.at + PAUSE - Date.now());
    const timer = setTimeout(() => {
      told.current = { received: live.received, at: Date.now() };
      setText(`${count} new notification${count === 1 ? "" : "s"}.`);
    }, wait);
    return () => clearTimeout(timer);
  }, [live.received]);

  return (
    <p className="unseen" aria-live="polite" data-announcer>
      {text}
    </p>
  );
}
