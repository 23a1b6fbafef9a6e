/** Lists as pages show them: pure. */
import type { InboxNotification, Notification } from "../notification.js";

/** The newest of both, each once; what is in `added` is newer than what it replaces. */
export function merge<Item extends Notification>(items: readonly Item[], added: readonly Item[], limit: number): readonly Item[] {
  const byId = new Map(items.map((item) => [item.id, item]));
  for (const item of added) byId.set(item.id, item);
  return [...byId.values()].sort(newestFirst).slice(0, limit);
}

function newestFirst(one: Notification, other: Notification): number {
  if (one.timestamp !== other.timestamp) return one.timestamp < other.timestamp ? 1 : -1;
  return one.id < other.id ? 1 : one.id > other.id ? -1 : 0;
}

export interface Shown<Item> {
  readonly items: readonly Item[];
  readonly isLoading: boolean;
  readonly error?: Error;
}

export interface ShownInbox extends Shown<InboxNotification> {
  readonly unread: number;
}

export type Change<Item> =
  | { readonly kind: "begin" }
  /** A page came; what came live meanwhile stays. */
  | { readonly kind: "loaded"; readonly items: readonly Item[] }
  | { readonly kind: "failed"; readonly error: Error }
  | { readonly kind: "arrived"; readonly item: Item }
  | { readonly kind: "cleared" };

export function nothing<Item>(): Shown<Item> {
  return { items: [], isLoading: false };
}

export function change<Item extends Notification>(shown: Shown<Item>, { limit, ...it }: Change<Item> & { limit: number }): Shown<Item> {
  switch (it.kind) {
    case "begin":
      return { items: shown.items, isLoading: true };
    case "loaded":
      // What was told live is processed; a list may be older than that.
      return { items: merge(it.items, shown.items, limit), isLoading: false };
    case "failed":
      return { ...shown, isLoading: false, error: it.error };
    case "arrived":
      return { ...shown, items: merge(shown.items, [it.item], limit) };
    case "cleared":
      return { ...shown, items: [] };
  }
}

export type InboxChange =
  /** Another inbox. */
  | { readonly kind: "reset" }
  | { readonly kind: "begin" }
  | { readonly kind: "loaded"; readonly items: readonly InboxNotification[]; readonly unread: number }
  | { readonly kind: "failed"; readonly error: Error }
  | { readonly kind: "arrived"; readonly notification: Notification }
  | { readonly kind: "marked"; readonly item: InboxNotification }
  | { readonly kind: "allRead"; readonly at: string };

export const EMPTY: ShownInbox = { items: [], isLoading: false, unread: 0 };

export function changeInbox(inbox: ShownInbox, { limit, ...it }: InboxChange & { limit: number }): ShownInbox {
  switch (it.kind) {
    case "reset":
      return EMPTY;
    case "begin":
      return { items: inbox.items, unread: inbox.unread, isLoading: true };
    case "loaded": {
      // What came live after the page was read is not in its count.
      const newest = it.items[0]?.timestamp ?? "";
      const later = inbox.items.filter((item) => item.readAt === null && item.timestamp > newest).length;
      return { items: merge(inbox.items, it.items, limit), unread: it.unread + later, isLoading: false };
    }
    case "failed":
      return { ...inbox, isLoading: false, error: it.error };
    case "arrived":
      if (inbox.items.some(({ id }) => id === it.notification.id)) return inbox;
      return {
        ...inbox,
        items: merge(inbox.items, [{ ...it.notification, readAt: null }], limit),
        unread: inbox.unread + 1,
      };
    case "marked": {
      const before = inbox.items.find(({ id }) => id === it.item.id);
      const items = before === undefined ? inbox.items : merge(inbox.items, [it.item], limit);
      return { ...inbox, items, unread: Math.max(0, inbox.unread + unreadOf(it.item) - (before === undefined ? 0 : unreadOf(before))) };
    }
    case "allRead":
      return { ...inbox, items: inbox.items.map((item) => ({ ...item, readAt: item.readAt ?? it.at })), unread: 0 };
  }
}

function unreadOf({ readAt }: InboxNotification): number {
  return readAt === null ? 1 : 0;
}
