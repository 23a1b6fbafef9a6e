const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

/** Hour, minute and second in the time of the browser, with the day when that is not the one of `now`. */
export function time(at: number | string, now = Date.now()): string {
  const date = new Date(at);
  const clock = CLOCK.format(date);
  return date.toDateString() === new Date(now).toDateString() ? clock : `${DAY.format(date)}, ${clock}`;
}

/** A rate or a count with up to three digits. */
export function amount(value: number): string {
  if (value >= 1_000_000) return `${(value / 1_000_000).toFixed(1)} M`;
  if (value >= 10_000) return `${(value / 1000).toFixed(1)} k`;
  if (value >= 100 || Number.isInteger(value)) return `${Math.round(value)}`;
  return value.toFixed(1);
}

/** Milliseconds, or seconds from one on. */
export function duration(milliseconds: number): string {
  if (milliseconds >= 1000) return `${(milliseconds / 1000).toFixed(1)} s`;
  return `${Math.round(milliseconds)} ms`;
}

/** A long word with its middle left out. */
export function shortened(text: string, most = 22): string {
  if (text.length <= most) return text;
  const half = Math.floor((most - 1) / 2);
  return `${text.slice(0, most - 1 - half)}…${text.slice(-half)}`;
}
