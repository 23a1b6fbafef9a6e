/** What a client is made with. */
import type { TokenProvider } from "./token.js";
import type { TransportFactory } from "./transport.js";
import type { EventSourceConstructor } from "./transport/sse.js";

export interface ApiOptions {
  /** Address of the API, such as `https://api.example.com`; `""` for that of the page. */
  readonly url: string;
  /** A token, or a function that gives one; none where the stack asks nobody who he is. */
  readonly token?: TokenProvider;
  /** How often a request is tried again that did not get through, 5 unless given. */
  readonly retries?: number;
  readonly fetch?: typeof fetch;
}

export interface ClientOptions extends ApiOptions {
  /** Channels to hear; all that the client may hear unless given. `[]` begins with none. */
  readonly channels?: readonly string[];
  /** `socketio` unless given. */
  readonly transport?: "socketio" | "sse";
  /** A cursor: what came after it, then what comes. */
  readonly since?: string;
  /** Transports of Socket.IO, in the order in which they are tried. */
  readonly socketTransports?: readonly ("polling" | "websocket")[];
  /** What speaks server-sent events, where there is no global one. */
  readonly eventSource?: EventSourceConstructor;
  /** Makes the transport, for tests. */
  readonly transportFactory?: TransportFactory;
}
