/** Socket.IO: long polling and WebSocket, with the official client. */
import { io as connect, type Socket } from "socket.io-client";
import { RealtimeError } from "../errors.js";
import type { TransportName } from "../machine.js";
import { isNotification, type Expiring, type Gap } from "../notification.js";
import { isSame, readSelection, type Selection } from "../selection.js";
import type { Opening, Receiver, Transport } from "../transport.js";

export interface SocketIoOptions {
  readonly url: string;
  readonly path?: string;
  /** In the order in which they are tried. */
  readonly transports?: readonly ("polling" | "websocket")[];
  /** The client's own `io`, for tests. */
  readonly io?: typeof connect;
}

/** How long the server may take for an answer, in milliseconds. */
const PATIENCE = 10_000;

/** An error of `connect_error`: `data` is what the server says with a refusal. */
type ConnectError = Error & { data?: { code?: unknown; status?: unknown } };

export class SocketIoTransport implements Transport {
  readonly #options: SocketIoOptions;
  readonly #receiver: Receiver;
  #socket: Socket | undefined;
  #opening: Opening | undefined;
  /** What the server holds in the session. */
  #heard: Selection | undefined;

  constructor(options: SocketIoOptions, receiver: Receiver) {
    this.#options = options;
    this.#receiver = receiver;
  }

  open(opening: Opening): void {
    // A session brings its own channels back: one of other channels is not asked for.
    if (this.#heard !== undefined && !isSame(this.#heard, opening.channels)) this.close();
    this.#opening = opening;
    this.#heard = opening.channels;
    this.#socket ??= this.#create();
    this.#socket.connect();
  }

  close(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#heard = undefined;
    if (socket === undefined) return;
    socket.off();
    socket.io.off();
    socket.disconnect();
  }

  async change(wish: "subscribe" | "unsubscribe", names: Selection, result: Opening): Promise<Selection> {
    const before = this.#heard;
    // Without an answer it is not known what the server holds: the next connection begins another session.
    this.#heard = [];
    try {
      const { channels } = await this.#ask<{ channels: string[] | "*" }>(wish, names);
      this.#opening = result;
      return (this.#heard = readSelection(channels));
    } catch (error) {
      if (error instanceof RealtimeError && error.code !== "NO_ANSWER") this.#heard = before;
      throw error;
    }
  }

  async refresh(token: string): Promise<void> {
    await this.#ask("refresh", token);
    if (this.#opening !== undefined) this.#opening = { ...this.#opening, token };
  }

  async #ask<Answer>(event: string, value: unknown): Promise<Answer> {
    const socket = this.#socket;
    if (!socket?.connected) throw new RealtimeError("there is no connection", "NOT_CONNECTED");
    let answer: Record<string, unknown>;
    try {
      answer = await socket.timeout(PATIENCE).emitWithAck(event, value);
    } catch (cause) {
      throw new RealtimeError(`the server did not answer ${event}`, "NO_ANSWER", undefined, { cause });
    }
    if (answer["status"] === "ok") return answer as Answer;
    throw new RealtimeError(textOr(answer["message"], `the server refused ${event}`), textOr(answer["code"], "REFUSED"));
  }

  #create(): Socket {
    const { url, path, transports, io = connect } = this.#options;
    const options = {
      ...(path === undefined ? {} : { path }),
      ...(transports === undefined ? {} : { transports: [...transports] }),
      autoConnect: false,
      forceNew: true,
      // When to come back is decided by the client's own states, for all transports alike.
      reconnection: false,
      auth: (tell: (auth: object) => void) => tell(this.#auth()),
    };
    const socket = url === "" ? io(options) : io(url, options);
    this.#listen(socket);
    return socket;
  }

  #auth(): object {
    const { token, cursor, channels } = this.#opening ?? { token: undefined, cursor: undefined, channels: "*" };
    return {
      ...(channels === "*" ? {} : { channels }),
      ...(cursor === undefined ? {} : { resume: cursor }),
      ...(token === undefined ? {} : { token }),
    };
  }

  #listen(socket: Socket): void {
    const receiver = this.#receiver;
    const name = () => (socket.io.engine?.transport.name === "polling" ? "polling" : "websocket") satisfies TransportName;
    socket.on("connected", (greeting: { recovered?: boolean; timestamp?: string }, cursor?: string) => {
      const recovered = greeting.recovered === true || this.#opening?.cursor !== undefined;
      receiver.opened(name(), recovered, greeting.timestamp);
      if (cursor !== undefined) receiver.cursor(cursor);
    });
    socket.io.on("open", () => socket.io.engine.on("upgrade", () => receiver.switched(name())));
    socket.on("notification", (notification: unknown, cursor?: string) => {
      if (isNotification(notification)) receiver.notification(notification, cursor);
    });
    socket.on("gap", (gap: Gap, cursor?: string) => receiver.gap(gap, cursor));
    socket.on("cursor", (cursor: string) => receiver.cursor(cursor));
    socket.on("expiring", (expiring: Expiring) => receiver.expiring(expiring));
    socket.on("connect_error", (error: ConnectError) => {
      // A socket that stays active was not refused: its connection did not come about.
      if (socket.active) receiver.cut(error.message, false);
      else receiver.refused(refusal(error));
    });
    socket.on("disconnect", (reason) => {
      if (reason === "io client disconnect") return;
      if (reason !== "io server disconnect") receiver.cut(reason, false);
      else receiver.refused(new RealtimeError("the server sent this client away", "DISCONNECTED"));
    });
  }
}

function refusal({ message, data }: ConnectError): RealtimeError {
  const status = typeof data?.status === "number" ? data.status : undefined;
  return new RealtimeError(message, textOr(data?.code, "REFUSED"), status);
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === "string" ? value : otherwise;
}
