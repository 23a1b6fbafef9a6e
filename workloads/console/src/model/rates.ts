/** Counters of one instance since its start, as `GET /api/figures` gives them. */
export interface InstanceFigures {
  instance: string;
  component: string;
  connections: { sse: number; websocket: number; polling: number };
  delivered: number;
  published: number;
  uptimeSeconds: number;
}

/** What one instance did per second when it last told something new. */
interface InstanceRates {
  delivered: number;
  published: number;
}

/** The last figures of each instance and the rates that follow from them, by the instance's name. */
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

/**
 * Counters to rates. The clock is the instance's own, its uptime: instances tell their counters at times of their own, and a rate by the
 * clock of who asks would jump. An instance that told nothing new keeps its rates; one that is new, or started again since, has none until
 * it tells the next time, except that a start between two readings counts from its start.
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
    const rates = ratesOf(known.get(figures.instance), figures);
    next.set(figures.instance, { figures, rates });
    totals.sse += figures.connections.sse;
    totals.websocket += figures.connections.websocket;
    totals.polling += figures.connections.polling;
    totals.delivered += rates.delivered;
    totals.published += rates.published;
  }
  return { known: next, totals };
}

function ratesOf(
  before: { figures: InstanceFigures; rates: InstanceRates } | undefined,
  now: InstanceFigures,
): InstanceRates {
  if (!before) return NO_RATES;
  const seconds = now.uptimeSeconds - before.figures.uptimeSeconds;
  if (seconds === 0) return before.rates;
  // It started again: what it did since then is all that it counts.
  if (seconds < 0) return now.uptimeSeconds > 0 ? over(now, NO_RATES, now.uptimeSeconds) : NO_RATES;
  return over(now, before.figures, seconds);
}

function over(now: InstanceRates, before: InstanceRates, seconds: number): InstanceRates {
  return {
    delivered: Math.max(0, now.delivered - before.delivered) / seconds,
    published: Math.max(0, now.published - before.published) / seconds,
  };
}
