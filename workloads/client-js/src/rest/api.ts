/** The REST calls. */
import type {
  Draft,
  Figures,
  Health,
  HistoryEntry,
  InboxNotification,
  Notification,
  Stack,
  Ticket,
} from "../notification.js";
import type { ApiOptions } from "../options.js";
import type { TokenSource } from "../token.js";
import { Requests, type Answer } from "./request.js";
import { newKey } from "./key.js";

export interface CallOptions {
  readonly signal?: AbortSignal;
}

export interface PublishOptions extends CallOptions {
  /** By which a repeated request is known; a new UUID unless given. Give your own where a process may die and try again. */
  readonly idempotencyKey?: string;
}

export interface ListQuery extends CallOptions {
  readonly limit?: number;
  /** Where a page begins: `next` of the one before. */
  readonly cursor?: string;
  readonly channel?: string | readonly string[];
  readonly type?: string | readonly string[];
  readonly status?: "pending" | "processed";
}

export interface InboxQuery extends CallOptions {
  readonly limit?: number;
  readonly cursor?: string;
  readonly type?: string | readonly string[];
  readonly read?: boolean;
}

export interface Page<Item> {
  /** Newest first. */
  readonly items: readonly Item[];
  /** Where the next page begins; absent on the last one. */
  readonly next?: string;
}

export interface Inbox extends Page<InboxNotification> {
  /** Unread ones, counted up to 1000. */
  readonly unread: number;
  /** Whether there are more than that. */
  readonly unreadIsMore: boolean;
}

export class Api {
  readonly #requests: Requests;

  constructor(options: ApiOptions, token?: TokenSource) {
    this.#requests = new Requests(options, token);
  }

  /** Publishes. It is tried again by the same key, so that it comes once. */
  async publish(draft: Draft, options: PublishOptions = {}): Promise<Notification> {
    return this.#post("/api/notifications", draft, options);
  }

  /** Publishes 1 to 100, all or none. */
  async publishBatch(drafts: readonly Draft[], options: PublishOptions = {}): Promise<readonly Notification[]> {
    return this.#post("/api/notifications/batch", { notifications: drafts }, options);
  }

  /** A page, newest first. */
  async list(query: ListQuery = {}): Promise<Page<Notification>> {
    const { channel, type, limit, cursor, status, signal } = query;
    const asked = { limit, cursor, channel: joined(channel), type: joined(type), status };
    return page(await this.#get<Notification[]>("/api/notifications", asked, signal));
  }

  /** Every notification from the newest on, page by page. */
  async *pages(query: ListQuery = {}): AsyncGenerator<Notification, void, undefined> {
    for (let cursor = query.cursor; ; ) {
      const { items, next } = await this.list({ ...query, ...(cursor === undefined ? {} : { cursor }) });
      yield* items;
      if (next === undefined) return;
      cursor = next;
    }
  }

  async get(id: string, options: CallOptions = {}): Promise<Notification> {
    return (await this.#get<Notification>(`/api/notifications/${segment(id)}`, {}, options.signal)).body;
  }

  /** What happened to a notification, oldest first. */
  async history(id: string, options: CallOptions = {}): Promise<readonly HistoryEntry[]> {
    return (await this.#get<HistoryEntry[]>(`/api/notifications/${segment(id)}/events`, {}, options.signal)).body;
  }

  /** A page of a user's inbox; `me` is the user of the token. */
  async inbox(user: string, query: InboxQuery = {}): Promise<Inbox> {
    const { type, limit, cursor, read, signal } = query;
    const asked = { limit, cursor, type: joined(type), read: read === undefined ? undefined : String(read) };
    const answer = await this.#get<InboxNotification[]>(inboxOf(user), asked, signal);
    const count = answer.headers.get("x-unread-count") ?? "";
    return { ...page(answer), unread: Number.parseInt(count, 10) || 0, unreadIsMore: count.endsWith("+") };
  }

  async markRead(user: string, id: string, options: CallOptions = {}): Promise<InboxNotification> {
    return this.#mark("PUT", `${inboxOf(user)}/${segment(id)}/read`, options);
  }

  async markUnread(user: string, id: string, options: CallOptions = {}): Promise<InboxNotification> {
    return this.#mark("DELETE", `${inboxOf(user)}/${segment(id)}/read`, options);
  }

  /** Marks all that are there as read. One request does a few thousand; it is made until none is left. */
  async markAllRead(user: string, options: CallOptions = {}): Promise<{ readonly changed: number }> {
    for (let changed = 0; ; ) {
      const marked = await this.#mark<{ changed: number; complete: boolean }>("PUT", `${inboxOf(user)}/read`, options);
      changed += marked.changed;
      if (marked.complete) return { changed };
    }
  }

  /** A ticket for streams, good until it expires. */
  async ticket(options: CallOptions = {}): Promise<Ticket> {
    const { signal } = options;
    return (await this.#requests.send<Ticket>({ method: "POST", path: "/api/tickets", signal })).body;
  }

  async figures(options: CallOptions = {}): Promise<Figures> {
    return (await this.#get<Figures>("/api/figures", {}, options.signal)).body;
  }

  async stack(options: CallOptions = {}): Promise<Stack> {
    return (await this.#get<Stack>("/api/stack", {}, options.signal)).body;
  }

  /** Also when it is bad. */
  async health({ signal }: CallOptions = {}): Promise<Health> {
    return (await this.#requests.send<Health>({ method: "GET", path: "/api/health", signal, answers: [503] })).body;
  }

  async #get<Body>(path: string, query: Record<string, string | number | undefined>, signal?: AbortSignal): Promise<Answer<Body>> {
    return this.#requests.send<Body>({ method: "GET", path, query, signal });
  }

  async #post<Body>(path: string, body: unknown, { idempotencyKey, signal }: PublishOptions): Promise<Body> {
    const headers = { "idempotency-key": idempotencyKey ?? newKey() };
    return (await this.#requests.send<Body>({ method: "POST", path, body, headers, signal })).body;
  }

  async #mark<Body>(method: "PUT" | "DELETE", path: string, { signal }: CallOptions): Promise<Body> {
    return (await this.#requests.send<Body>({ method, path, signal })).body;
  }
}

/** The REST calls alone, without a connection. */
export function createApi(options: ApiOptions): Api {
  return new Api(options);
}

function page<Item>({ body, headers }: Answer<readonly Item[]>): Page<Item> {
  const next = nextCursor(headers.get("link"));
  return { items: body, ...(next === undefined ? {} : { next }) };
}

/** The cursor in the address that a `link` header calls the next one. */
export function nextCursor(link: string | null): string | undefined {
  for (const [, address = "", relation] of (link ?? "").matchAll(/<([^>]*)>\s*;\s*rel="?(\w+)"?/g)) {
    if (relation === "next") return new URLSearchParams(address.slice(address.indexOf("?") + 1)).get("cursor") ?? undefined;
  }
  return undefined;
}

function inboxOf(user: string): string {
  return `/api/users/${segment(user)}/notifications`;
}

function segment(text: string): string {
  return encodeURIComponent(text);
}

function joined(names: string | readonly string[] | undefined): string | undefined {
  return typeof names === "object" ? names.join(",") : names;
}
