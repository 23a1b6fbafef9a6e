const ALLOWED = "[A-Za-z0-9._:/@|+=~-]";

/** What names a channel, as the API judges it. */
export const CHANNEL = new RegExp(`^${ALLOWED}{1,128}$`);

/** What names a user: then `user:<name>` is a channel. */
export const USER = new RegExp(`^${ALLOWED}{1,123}$`);

/** Allowed characters, for sentences. */
export const CHARACTERS = "A-Z a-z 0-9 . _ : / - @ | + = ~";

/** Channels that a text names, by comma or blank; none stand for all. */
export function channelsOf(text: string): { channels: string[] } | { complaint: string } {
  const channels = [...new Set(text.split(/[\s,]+/).filter((name) => name !== ""))];
  const wrong = channels.find((name) => !CHANNEL.test(name));
  if (wrong !== undefined)
    return { complaint: `“${wrong}” names no channel: it may have up to 128 of ${CHARACTERS}` };
  if (channels.length > 64) return { complaint: "A stream hears up to 64 named channels." };
  return { channels };
}
