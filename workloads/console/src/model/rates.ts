import type { InstanceFigures } from "@realtimestack/client";

/** What one instance did per second when it last told something new. */
interface InstanceRates {
  delivered: number;
  published: number;
}

/** The reading of each instance that its next rates count from, and the rates that follow from it, by the instance's name. */
export type Known = ReadonlyMap<string, { figures: InstanceFigures; rates: InstanceRates }>;

/** Sums over all instances: connections now, the rest per second. */
export interface Totals {
  sse: number;
  websocket: number;
  polling: number;
  delivered: number;
  published: number;
  instances: number;
}

const NO_RATES: InstanceRates = { delivered: 0, published: 0 };

/** Figures of other instances are up to 3 s old and their uptime is in whole seconds: so far back they may go, told by another instance. */
const OLDEST = 4;

/**
 * Counters to rates. The clock is the instance's own, its uptime: instances tell their counters at times of their own, and a rate by the
 * clock of who asks would jump. An instance that told nothing new, or figures from before those that are known, keeps its rates; a new one
 * has none until it tells the next time. One that started again counts from its start.
 */
export function advance(known: Known, told: readonly InstanceFigures[]): { known: Known; totals: Totals } {
  const next = new Map<string, { figures: InstanceFigures; rates: InstanceRates }>();
  const totals: Totals = {
    sse: 0,
    websocket: 0,
    polling: 0,
    delivered: 0,
    published: 0,
    instances: told.length,
  };
  for (const figures of told) {
    const reading = step(known.get(figures.instance), figures);
    next.set(figures.instance, reading);
    totals.sse += figures.connections.sse;
    totals.websocket += figures.connections.websocket;
    totals.polling += figures.connections.polling;
    totals.delivered += reading.rates.delivered;
    totals.published += reading.rates.published;
  }
  return { known: next, totals };
}

function step(
  before: { figures: InstanceFigures; rates: InstanceRates } | undefined,
  now: InstanceFigures,
): { figures: InstanceFigures; rates: InstanceRates } {
  if (!before) return { figures: now, rates: NO_RATES };
  const seconds = now.uptimeSeconds - before.figures.uptimeSeconds;
  if (startedAgain(before.figures, now, seconds)) {
    return { figures: now, rates: now.uptimeSeconds > 0 ? over(now, NO_RATES, now.uptimeSeconds) : NO_RATES };
  }
  return seconds > 0 ? { figures: now, rates: over(now, before.figures, seconds) } : before;
}

/** Counters only grow: less with a later uptime is another start. An earlier uptime is one only if it is too early for old figures. */
function startedAgain(before: InstanceFigures, now: InstanceFigures, seconds: number): boolean {
  if (seconds <= 0) return seconds < -OLDEST;
  return now.delivered < before.delivered || now.published < before.published;
}

function over(now: InstanceRates, before: InstanceRates, seconds: number): InstanceRates {
  return {
    delivered: (now.delivered - before.delivered) / seconds,
    published: (now.published - before.published) / seconds,
  };
}
