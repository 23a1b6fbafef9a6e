/** Seconds that the charts show. */
export const SPAN = 5 * 60;

/** Values over time for a chart: the first row holds times in seconds since the epoch, the others the values of one line each. */
export type Series = readonly (readonly (number | null)[])[];

/** No values of `lines` lines. */
export const emptySeries = (lines: number): Series => Array.from({ length: lines + 1 }, () => []);

/** The series with the values of one more time, without what is older than `span` seconds before it. */
export function append(series: Series, at: number, values: readonly (number | null)[], span: number): Series {
  const times = series[0] ?? [];
  let first = 0;
  while (first < times.length && (times[first] ?? 0) < at - span) first += 1;
  return [at, ...values].map((value, row) => [...(series[row] ?? []).slice(first), value]);
}

/** The largest value of a line, 0 for none. */
export function largest(series: Series, line: number): number {
  return (series[line + 1] ?? []).reduce<number>((most, value) => Math.max(most, value ?? 0), 0);
}
