/** Which channels a client hears. */

/** `"*"` for all that it may hear, or names. */
export type Selection = "*" | readonly string[];

export function readSelection(channels: readonly string[] | "*" | undefined): Selection {
  return channels === undefined || channels === "*" || channels.includes("*") ? "*" : sorted(channels);
}

/** With these, too. From all channels, those that are named remain, as the server does it. */
export function withChannels(selection: Selection, more: Selection): Selection {
  if (more === "*" || selection === "*") return more;
  return sorted([...selection, ...more]);
}

/** Without these. */
export function withoutChannels(selection: Selection, less: Selection): Selection {
  if (less === "*") return [];
  return selection === "*" ? selection : selection.filter((channel) => !less.includes(channel));
}

export function isSame(one: Selection, other: Selection): boolean {
  if (one === "*" || other === "*") return one === other;
  return one.length === other.length && one.every((channel, index) => channel === other[index]);
}

function sorted(channels: readonly string[]): readonly string[] {
  return [...new Set(channels)].sort();
}
