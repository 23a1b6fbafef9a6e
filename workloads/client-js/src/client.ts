/** The client: what it hears, and what it tells the application. */
import { Connection } from "./connection.js";
import { Emitter } from "./emitter.js";
import { RealtimeError } from "./errors.js";
import { START, type Machine } from "./machine.js";
import type { Expiring, Gap, Notification } from "./notification.js";
import type { ClientOptions } from "./options.js";
import { Api } from "./rest/api.js";
import { Recent } from "./recent.js";
import { isSame, readSelection, withChannels, withoutChannels, type Selection } from "./selection.js";
import { isSameState, stateOf, type ConnectionState } from "./state.js";
import { Stream, type StreamOptions } from "./stream.js";
import { TokenSource, subject } from "./token.js";
import type { Opening, Receiver, Transport } from "./transport.js";
import { transportOf } from "./transports.js";

/** How a notification came. */
export interface Arrival {
  readonly cursor: string | undefined;
  /** Whether it was published before the connection that brought it began. */
  readonly missed: boolean;
}

export type ClientEvents = {
  state: [ConnectionState];
  notification: [Notification, Arrival];
  /** A connection that was open ended. `at` is in milliseconds since 1970. */
  cut: [{ readonly at: number; readonly reason: string }];
  /** It is back. */
  resumed: [{ readonly at: number; readonly afterMilliseconds: number; readonly recovered: boolean }];
  /** Something is missing for good. */
  gap: [Gap];
  /** The token's time is over soon; a token function is asked by itself. */
  expiring: [Expiring];
  /** The client gave up, or goes on without channels that it was to hear as well and may not. */
  error: [RealtimeError];
};

export class RealtimeClient {
  /** The REST calls, with the same token. */
  readonly api: Api;
  readonly #options: ClientOptions;
  readonly #token: TokenSource;
  readonly #events = new Emitter<ClientEvents>();
  readonly #recent = new Recent();
  readonly #transport: Transport;
  readonly #connection: Connection;
  #state: ConnectionState = stateOf(START);
  #selection: Selection;
  /** Of what is wanted, that which the server has permitted, or which the client was made with. */
  #granted: Selection;
  /** Ends with the last change of channels. */
  #changes: Promise<unknown> = Promise.resolve();
  #cursor: string | undefined;
  #cutAt: number | undefined;
  /** When the connection began, by the server's clock. */
  #begun = Number.NEGATIVE_INFINITY;
  readonly #online = () => this.#connection.take({ kind: "nudge" });

  /** `token` is shared by clients of the same stack. */
  constructor(options: ClientOptions, token = new TokenSource(options.token)) {
    const url = options.url.replace(/\/+$/, "");
    this.#options = { ...options, url };
    this.#token = token;
    this.api = new Api(this.#options, this.#token);
    this.#selection = this.#granted = readSelection(options.channels);
    this.#cursor = options.since;
    const make = options.transportFactory ?? transportOf(this.#options, () => this.api.ticket());
    this.#transport = make(this.#receiver());
    this.#connection = new Connection(this.#transport, this.#token, {
      opening: (token) => this.#opening(token),
      changed: (before, machine, retryAt) => this.#tell(before, machine, retryAt),
    });
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Where the client is: given as `since`, another one goes on from there. */
  get cursor(): string | undefined {
    return this.#cursor;
  }

  /** What it hears, or will when it is connected. */
  get channels(): Selection {
    return this.#selection;
  }

  /** Whether the client shows a token. */
  get hasToken(): boolean {
    return this.#token.exists;
  }

  /** The user that the token is for; `undefined` without a token. */
  async user(): Promise<string | undefined> {
    return subject(await this.#token.current());
  }

  /** Connects, and stays connected until `close`. It goes on from the cursor. */
  connect(): void {
    globalThis.addEventListener?.("online", this.#online);
    this.#connection.take({ kind: "connect" });
  }

  /** Leaves. `connect` goes on from where it was. */
  close(): void {
    globalThis.removeEventListener?.("online", this.#online);
    this.#connection.take({ kind: "close" });
  }

  /** A client of the same stack that hears other channels. It is not connected yet. */
  fork(channels: readonly string[]): RealtimeClient {
    const { since: _, ...options } = this.#options;
    return new RealtimeClient({ ...options, channels }, this.#token);
  }

  on<Name extends keyof ClientEvents>(event: Name, listener: (...values: ClientEvents[Name]) => void): () => void {
    return this.#events.on(event, listener);
  }

  onNotification(listener: (notification: Notification, arrival: Arrival) => void): () => void {
    return this.on("notification", listener);
  }

  /** Notifications from now on, until `close`; it throws when the client is refused, or when too many wait. */
  notifications(options: StreamOptions = {}): AsyncIterableIterator<Notification> {
    return new Stream(this, options);
  }

  /** Hears these channels, too; from all channels, those named remain. Gives what is heard then. */
  subscribe(channels: string | readonly string[]): Promise<Selection> {
    return this.#change("subscribe", wished(channels));
  }

  /** Hears these channels no more. From all channels none can be taken away. */
  unsubscribe(channels: string | readonly string[]): Promise<Selection> {
    return this.#change("unsubscribe", wished(channels));
  }

  /** One after the other: each wish goes out from what the one before it left, also when that was refused. */
  #change(wish: "subscribe" | "unsubscribe", names: Selection): Promise<Selection> {
    const change = this.#changes.then(() => this.#carryOut(wish, names));
    this.#changes = change.catch(() => {});
    return change;
  }

  async #carryOut(wish: "subscribe" | "unsubscribe", names: Selection): Promise<Selection> {
    // A connection that is about to open has been asked for the channels of before: what changes then has to wait until it is there.
    while (this.#isUnderWay()) await this.#decided();
    const before = this.#selection;
    if (wish === "unsubscribe" && before === "*") {
      throw new RealtimeError("nothing was subscribed by name: subscribe to the channels that are wanted instead", "REFUSED");
    }
    this.#selection = wish === "subscribe" ? withChannels(before, names) : withoutChannels(before, names);
    if (this.#connection.machine.phase !== "open") return this.#selection;
    try {
      await this.#transport.change(wish, names, this.#opening(await this.#token.current()));
      this.#granted = this.#selection;
    } catch (error) {
      const isCut = error instanceof RealtimeError && (error.code === "NOT_CONNECTED" || error.code === "NO_ANSWER");
      // A connection that was cut meanwhile comes back with what is wanted; what was refused is not wanted any more.
      if (!isCut) {
        this.#selection = before;
        throw error;
      }
    }
    return this.#selection;
  }

  #isUnderWay(): boolean {
    const { phase } = this.#connection.machine;
    return phase === "opening" || phase === "returning";
  }

  #decided(): Promise<void> {
    return new Promise((resolve) => {
      const off = this.on("state", () => {
        if (this.#isUnderWay()) return;
        off();
        resolve();
      });
    });
  }

  #opening(token: string | undefined): Opening {
    return { token, cursor: this.#cursor, channels: this.#selection };
  }

  #tell(before: Machine, machine: Machine, retryAt: number | undefined): void {
    const now = Date.now();
    // Who left on purpose was not cut off.
    if (before.phase === "open" && machine.phase !== "open" && machine.reason !== undefined) {
      this.#cutAt = now;
      this.#events.emit("cut", { at: now, reason: machine.reason });
    }
    if (machine.phase === "closed") this.#cutAt = undefined;
    const state = stateOf(machine, retryAt);
    if (!isSameState(this.#state, state)) {
      this.#state = state;
      this.#events.emit("state", state);
    }
    if (before.phase !== "open" && machine.phase === "open") {
      const since = this.#cutAt;
      this.#cutAt = undefined;
      if (since !== undefined) {
        this.#events.emit("resumed", { at: now, afterMilliseconds: now - since, recovered: machine.recovered });
      }
    }
    if (machine.error !== undefined && machine.error !== before.error) this.#events.emit("error", machine.error);
  }

  #receiver(): Receiver {
    return {
      opened: (transport, recovered, time) => {
        this.#begun = time === undefined ? Number.NEGATIVE_INFINITY : Date.parse(time);
        this.#granted = this.#selection;
        this.#connection.take({ kind: "opened", transport, recovered });
      },
      switched: (transport) => this.#connection.take({ kind: "switched", transport }),
      notification: (notification, cursor) => this.#hear(notification, cursor),
      gap: (gap, cursor) => {
        this.#cursor = cursor ?? this.#cursor;
        this.#events.emit("gap", gap);
      },
      cursor: (cursor) => void (this.#cursor = cursor),
      expiring: (expiring) => {
        this.#events.emit("expiring", expiring);
        this.#connection.take({ kind: "expiring" });
      },
      cut: (reason, returns) => this.#connection.take({ kind: "cut", reason, returns, lasted: this.#connection.lasted }),
      refused: (error, after) => this.#refuse(error, after),
    };
  }

  /** Channels that were added while there was no connection are let go if they keep it from opening: the others were permitted. */
  #refuse(error: RealtimeError, after: number | undefined): void {
    if (error.code !== "CHANNEL_FORBIDDEN" || isSame(this.#selection, this.#granted)) {
      this.#connection.take({ kind: "refused", error, ...(after === undefined ? {} : { after }) });
      return;
    }
    this.#selection = this.#granted;
    this.#events.emit("error", error);
    this.#connection.take({ kind: "cut", reason: error.message, returns: false, lasted: 0 });
  }

  #hear(notification: Notification, cursor: string | undefined): void {
    this.#cursor = cursor ?? this.#cursor;
    if (!this.#recent.add(notification.id)) return;
    this.#events.emit("notification", notification, { cursor, missed: Date.parse(notification.timestamp) < this.#begun });
  }
}

/** A client that is not connected yet. */
export function createClient(options: ClientOptions): RealtimeClient {
  return new RealtimeClient(options);
}

function wished(channels: string | readonly string[]): Selection {
  return readSelection(typeof channels === "string" ? [channels] : channels);
}
