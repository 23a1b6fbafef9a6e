import type { ClientOptions, createClient } from "@realtimestack/client";

type Listener = (...values: never[]) => void;

/** A client that hears what the test says. */
export class FakeClient {
  static all: FakeClient[] = [];
  cursor: string | undefined;
  channels: readonly string[];
  connects = 0;
  closed = false;
  readonly #listeners = new Map<string, Listener>();

  constructor(readonly options: ClientOptions) {
    this.channels = options.channels ?? [];
    FakeClient.all.push(this);
  }

  /** The client that was made last. */
  static get last(): FakeClient {
    const client = FakeClient.all.at(-1);
    if (client === undefined) throw new Error("no client was made");
    return client;
  }

  static create = ((options: ClientOptions) => new FakeClient(options)) as unknown as typeof createClient;

  on(event: string, listener: Listener): () => void {
    this.#listeners.set(event, listener);
    return () => this.#listeners.delete(event);
  }

  say(event: string, ...values: unknown[]): void {
    this.#listeners.get(event)?.(...(values as never[]));
  }

  async user(): Promise<string | undefined> {
    return this.options.token === undefined ? undefined : "7";
  }

  async subscribe(channel: string): Promise<void> {
    this.channels = [...this.channels, channel];
  }

  connect(): void {
    this.connects += 1;
  }

  close(): void {
    this.closed = true;
  }
}

export const notification = (id: string, channel = "default") => ({
  id,
  message: `message ${id}`,
  type: "info",
  channel,
  status: "processed",
  timestamp: "2026-11-21T10:00:00.000Z",
});
