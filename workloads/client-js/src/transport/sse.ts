/** Server-sent events, with the EventSource of the browser, or one that is given. */
import { ProblemError, RealtimeError, isPassing } from "../errors.js";
import { isNotification, type Expiring, type Gap, type Ticket } from "../notification.js";
import { isSame, type Selection } from "../selection.js";
import type { Opening, Receiver, Transport } from "../transport.js";

/** What is used of an EventSource. */
export interface EventSourceLike {
  readonly readyState: number;
  onmessage: ((event: EventSourceMessage) => void) | null;
  onerror: ((event: never) => void) | null;
  addEventListener(type: string, listener: (event: never) => void): void;
  close(): void;
}

export interface EventSourceMessage {
  readonly data: string;
  readonly lastEventId: string;
}

export type EventSourceConstructor = new (url: string) => EventSourceLike;

export interface SseOptions {
  readonly url: string;
  readonly path?: string;
  readonly eventSource?: EventSourceConstructor;
  /** Gives a ticket for the token. */
  readonly ticket: (token: string) => Promise<Ticket>;
  readonly fetch: typeof fetch;
}

const CLOSED = 2;

/** How long a stream may take to begin, in milliseconds: histories wait up to 10 s at the server. */
const PATIENCE = 30_000;

export class SseTransport implements Transport {
  readonly #options: SseOptions;
  readonly #receiver: Receiver;
  #source: EventSourceLike | undefined;
  #patience: ReturnType<typeof setTimeout> | undefined;
  /** Counts streams: what belongs to an older one is not heard. */
  #turn = 0;
  #cursor: string | undefined;

  constructor(options: SseOptions, receiver: Receiver) {
    this.#options = options;
    this.#receiver = receiver;
  }

  open(opening: Opening): void {
    void this.#begin(opening);
  }

  close(): void {
    this.#turn += 1;
    this.#leave();
  }

  async change(wish: "subscribe" | "unsubscribe", _: Selection, result: Opening): Promise<Selection> {
    // A refused wish must not end the stream that is there.
    if (wish === "subscribe" && result.token !== undefined) await this.#demandPermission(result, result.token);
    await this.#begin(result);
    return result.channels;
  }

  async refresh(_: string, result: Opening): Promise<void> {
    await this.#begin(result);
  }

  /** Begins a stream in place of the one that is there. */
  async #begin(opening: Opening): Promise<void> {
    const turn = (this.#turn += 1);
    this.#cursor = opening.cursor;
    if (isSame(opening.channels, [])) {
      this.#leave();
      this.#receiver.opened("sse", false);
      return;
    }
    let ticket: string | undefined;
    try {
      ticket = opening.token === undefined ? undefined : await this.#ticket(opening.token);
    } catch (error) {
      if (turn !== this.#turn) return;
      this.#leave();
      this.#fail(error);
      return;
    }
    if (turn !== this.#turn) return;
    this.#leave();
    this.#listen(this.#address(opening, ticket), turn);
  }

  #leave(): void {
    clearTimeout(this.#patience);
    this.#source?.close();
    this.#source = undefined;
  }

  /** Where nobody is asked who he is, there are no tickets. */
  async #ticket(token: string): Promise<string | undefined> {
    try {
      return (await this.#options.ticket(token)).ticket;
    } catch (error) {
      if (error instanceof ProblemError && error.status === 409) return undefined;
      throw error;
    }
  }

  #address({ cursor, channels }: Opening, ticket: string | undefined): string {
    const query = new URLSearchParams();
    if (channels !== "*") query.set("channels", channels.join(","));
    if (cursor !== undefined) query.set("since", cursor);
    if (ticket !== undefined) query.set("ticket", ticket);
    const text = query.toString();
    return `${this.#options.url}${this.#options.path ?? "/api/sse/notifications"}${text === "" ? "" : `?${text}`}`;
  }

  #listen(address: string, turn: number): void {
    const receiver = this.#receiver;
    const Source = this.#options.eventSource ?? (globalThis as { EventSource?: EventSourceConstructor }).EventSource;
    if (Source === undefined) {
      receiver.refused(new RealtimeError("there is no EventSource here: give one as the option eventSource", "UNSUPPORTED"));
      return;
    }
    const source = (this.#source = new Source(address));
    this.#wait(() => {
      source.close();
      receiver.cut("timeout", false);
    });
    source.onmessage = ({ data, lastEventId }) => this.#message(data, lastEventId);
    source.addEventListener("gap", ({ data, lastEventId }: EventSourceMessage) => {
      this.#cursor = lastEventId;
      receiver.gap(JSON.parse(data) as Gap, lastEventId);
    });
    source.addEventListener("expiring", ({ data, lastEventId }: EventSourceMessage) => {
      if (lastEventId !== "") receiver.cursor(lastEventId);
      receiver.expiring(JSON.parse(data) as Expiring);
    });
    source.onerror = () => {
      clearTimeout(this.#patience);
      if (turn !== this.#turn) return;
      if (source.readyState !== CLOSED) receiver.cut("transport close", true);
      else void this.#ask(address, turn);
    };
  }

  #wait(then: () => void): void {
    clearTimeout(this.#patience);
    this.#patience = setTimeout(then, PATIENCE);
  }

  #message(data: string, cursor: string): void {
    const value = JSON.parse(data) as { timestamp?: string };
    const newest = cursor === "" ? undefined : cursor;
    if (isNotification(value)) {
      this.#receiver.notification(value, newest);
    } else {
      clearTimeout(this.#patience);
      this.#receiver.opened("sse", this.#cursor !== undefined, value.timestamp);
      if (newest !== undefined) this.#receiver.cursor(newest);
    }
    this.#cursor = newest ?? this.#cursor;
  }

  async #demandPermission(opening: Opening, token: string): Promise<void> {
    try {
      await this.#probe(this.#address(opening, await this.#ticket(token)));
    } catch (error) {
      if (error instanceof ProblemError && !isPassing(error.status)) throw error;
    }
  }

  /** An EventSource that gave up does not say why: a request for the same does. */
  async #ask(address: string, turn: number): Promise<void> {
    let reason: unknown = new RealtimeError("the stream ended", "NOT_CONNECTED");
    try {
      await this.#probe(address);
    } catch (error) {
      reason = error;
    }
    if (turn === this.#turn) this.#fail(reason);
  }

  /** Throws what keeps a stream from being opened. */
  async #probe(address: string): Promise<void> {
    const giveUp = new AbortController();
    const limit = setTimeout(() => giveUp.abort(), PATIENCE);
    try {
      const headers = { accept: "application/problem+json" };
      const answer = await this.#options.fetch(address, { headers, signal: giveUp.signal, cache: "no-store" });
      if (answer.ok) return;
      const after = Number(answer.headers.get("retry-after") ?? Number.NaN);
      throw new ProblemError(answer.status, await body(answer), Number.isFinite(after) ? after : undefined);
    } finally {
      clearTimeout(limit);
      // Of a stream that was opened nothing is read.
      giveUp.abort();
    }
  }

  #fail(error: unknown): void {
    if (error instanceof ProblemError && (error.code === "TOKEN_EXPIRED" || error.code === "KEYS_AWAY" || !isPassing(error.status))) {
      this.#receiver.refused(error, error.retryAfter);
    } else if (error instanceof ProblemError && error.retryAfter !== undefined) {
      this.#receiver.refused(error, error.retryAfter);
    } else {
      this.#receiver.cut(error instanceof Error ? error.message : String(error), false);
    }
  }
}

async function body(answer: Response): Promise<unknown> {
  try {
    return await answer.json();
  } catch {
    return undefined;
  }
}
