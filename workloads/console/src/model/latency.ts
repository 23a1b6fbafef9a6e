/** Posts of ours and arrivals that wait for one another, at most. */
const KEPT = 200;

/**
 * The time from a POST to the arrival of its notification. Which of the two comes first is open: an arrival may be here before the answer
 * that tells the id. Times are milliseconds of one clock.
 */
export class Latency {
  private readonly posted = new Map<string, number>();
  private readonly arrived = new Map<string, number>();

  /** A POST that began at `begun` was answered with `id`; the latency if its notification is here already. */
  answered(id: string, begun: number): number | undefined {
    const arrived = this.arrived.get(id);
    if (arrived === undefined) {
      keep(this.posted, id, begun);
      return undefined;
    }
    this.arrived.delete(id);
    return arrived - begun;
  }

  /** A notification came at `at`; the latency if it is one of ours whose POST was answered. */
  came(id: string, at: number): number | undefined {
    const begun = this.posted.get(id);
    if (begun === undefined) {
      keep(this.arrived, id, at);
      return undefined;
    }
    this.posted.delete(id);
    return at - begun;
  }
}

function keep(times: Map<string, number>, id: string, time: number) {
  times.set(id, time);
  const [oldest] = times.keys();
  if (times.size > KEPT && oldest !== undefined) times.delete(oldest);
}
