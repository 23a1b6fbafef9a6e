import type { Notification } from "@realtimestack/client";

/** How a notification came here. */
export type Way = "stored" | "live" | "missed";

/** One line of the list. */
export interface Arrival {
  notification: Notification;
  way: Way;
}

/** Lines that are kept. */
export const KEPT = 200;

/** The list with one more notification on top. One that is there already is replaced where it stands, since its status may be a later one. */
export function arrive(list: readonly Arrival[], arrival: Arrival): readonly Arrival[] {
  const place = list.findIndex(({ notification }) => notification.id === arrival.notification.id);
  if (place < 0) return [arrival, ...list].slice(0, KEPT);
  return list.map((each, index) =>
    index === place ? { ...each, notification: arrival.notification } : each,
  );
}

/** The list with what was stored before the page came, newest first, behind what has come since. What came live is newer than what was read. */
export function load(list: readonly Arrival[], stored: readonly Notification[]): readonly Arrival[] {
  const known = new Set(list.map(({ notification }) => notification.id));
  const more = stored.filter(({ id }) => !known.has(id));
  return [...list, ...more.map((notification): Arrival => ({ notification, way: "stored" }))].slice(0, KEPT);
}
