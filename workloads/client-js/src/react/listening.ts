/** Channels that components want, over one client. */
import type { RealtimeClient } from "../client.js";
import type { Gap, Notification } from "../notification.js";

export interface Listener {
  notification(notification: Notification): void;
  /** The list may lack something. */
  gap(gap?: Gap): void;
  error(error: Error): void;
}

/** How many components want a channel that the client did not hear by itself. */
const held = new WeakMap<RealtimeClient, Map<string, number>>();

/** Hears the channels until the result is called. Nothing is undone before the components had time to come back, as in StrictMode. */
export function listen(client: RealtimeClient, channels: readonly string[] | undefined, listener: Listener): () => void {
  if (channels !== undefined && client.channels === "*" && !client.hasToken && channels.some(isOfUser)) {
    return listenApart(client, channels, listener);
  }
  const wanted = channels === undefined ? undefined : new Set(channels);
  const off = hear(client, wanted, listener);
  const release = channels === undefined ? () => {} : hold(client, channels, listener);
  return () => {
    off();
    release();
  };
}

/** Without a token, all channels are all but those of users: these need a connection that names them. */
function listenApart(client: RealtimeClient, channels: readonly string[], listener: Listener): () => void {
  const own = client.fork(channels);
  const off = hear(own, undefined, listener);
  const offError = own.on("error", (error) => listener.error(error));
  const begin = setTimeout(() => own.connect(), 0);
  return () => {
    clearTimeout(begin);
    off();
    offError();
    own.close();
  };
}

function hear(client: RealtimeClient, wanted: ReadonlySet<string> | undefined, listener: Listener): () => void {
  const offs = [
    client.on("notification", (notification) => {
      if (wanted === undefined || wanted.has(notification.channel)) listener.notification(notification);
    }),
    client.on("gap", (gap) => listener.gap(gap)),
    client.on("resumed", ({ recovered }) => {
      if (!recovered) listener.gap();
    }),
  ];
  return () => offs.forEach((off) => off());
}

function hold(client: RealtimeClient, channels: readonly string[], listener: Listener): () => void {
  const counts = held.get(client) ?? new Map<string, number>();
  held.set(client, counts);
  const heard = client.channels;
  if (heard === "*") return () => {};
  const mine = channels.filter((channel) => counts.has(channel) || !heard.includes(channel));
  const missing = mine.filter((channel) => !counts.has(channel));
  for (const channel of mine) counts.set(channel, (counts.get(channel) ?? 0) + 1);
  if (missing.length > 0) client.subscribe(missing).catch((error: Error) => listener.error(error));
  // What was noted while there was no connection is refused with the next one.
  const off = client.on("error", (error) => {
    if (mine.some((channel) => !client.channels.includes(channel))) listener.error(error);
  });
  return () => {
    off();
    setTimeout(() => letGo(client, counts, mine), 0);
  };
}

function letGo(client: RealtimeClient, counts: Map<string, number>, channels: readonly string[]): void {
  const left = channels.filter((channel) => {
    const count = (counts.get(channel) ?? 1) - 1;
    if (count > 0) counts.set(channel, count);
    else counts.delete(channel);
    return count <= 0;
  });
  // What cannot be taken away is not shown any more all the same.
  if (left.length > 0) client.unsubscribe(left).catch(() => {});
}

function isOfUser(channel: string): boolean {
  return channel.startsWith("user:");
}
