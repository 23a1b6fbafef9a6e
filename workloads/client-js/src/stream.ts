/** Notifications as an async iterator. */
import type { RealtimeClient } from "./client.js";
import { RealtimeError } from "./errors.js";
import type { Notification } from "./notification.js";

export interface StreamOptions {
  /** Ends the iteration. */
  readonly signal?: AbortSignal;
  /** Notifications that may wait, 1000 unless given. */
  readonly buffer?: number;
}

type Waiting = { resolve(result: IteratorResult<Notification, undefined>): void; reject(error: Error): void };

export class Stream implements AsyncIterableIterator<Notification> {
  readonly #offs: (() => void)[];
  readonly #limit: number;
  #buffer: Notification[] = [];
  #waiting: Waiting[] = [];
  #end: { readonly error?: Error } | undefined;

  constructor(client: RealtimeClient, { signal, buffer = 1000 }: StreamOptions) {
    this.#limit = buffer;
    const abort = () => this.#finish({});
    signal?.addEventListener("abort", abort);
    this.#offs = [
      client.on("notification", (notification) => this.#push(notification)),
      client.on("state", ({ status, error }) => {
        if (status === "closed") this.#finish(error === undefined ? {} : { error });
      }),
      () => signal?.removeEventListener("abort", abort),
    ];
    if (signal?.aborted) abort();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Notification, undefined>> {
    const value = this.#buffer.shift();
    if (value !== undefined) return Promise.resolve({ done: false, value });
    if (this.#end === undefined) return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
    const { error } = this.#end;
    // An error is told once.
    this.#end = {};
    return error === undefined ? Promise.resolve({ done: true, value: undefined }) : Promise.reject(error);
  }

  return(): Promise<IteratorResult<Notification, undefined>> {
    this.#finish({});
    this.#buffer = [];
    return Promise.resolve({ done: true, value: undefined });
  }

  #push(value: Notification): void {
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) {
      waiting.resolve({ done: false, value });
    } else if (this.#buffer.length < this.#limit) {
      this.#buffer.push(value);
    } else {
      this.#finish({ error: new RealtimeError(`more than ${this.#limit} notifications wait to be taken`, "OVERFLOW") });
    }
  }

  #finish(end: { readonly error?: Error }): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    for (const off of this.#offs) off();
    const [first, ...others] = this.#waiting;
    this.#waiting = [];
    if (first !== undefined && end.error !== undefined) first.reject(end.error);
    else first?.resolve({ done: true, value: undefined });
    for (const { resolve } of others) resolve({ done: true, value: undefined });
    if (first !== undefined) this.#end = {};
  }
}
