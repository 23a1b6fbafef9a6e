/** The transport that the options ask for. */
import type { Ticket } from "./notification.js";
import type { ClientOptions } from "./options.js";
import type { TransportFactory } from "./transport.js";
import { SocketIoTransport } from "./transport/socketio.js";
import { SseTransport } from "./transport/sse.js";

export function transportOf(options: ClientOptions, ticket: () => Promise<Ticket>): TransportFactory {
  const { url, eventSource, socketTransports } = options;
  if (options.transport !== "sse") {
    const given = socketTransports === undefined ? {} : { transports: socketTransports };
    return (receiver) => new SocketIoTransport({ url, ...given }, receiver);
  }
  const given = eventSource === undefined ? {} : { eventSource };
  const fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init));
  return (receiver) => new SseTransport({ url, ticket, fetch, ...given }, receiver);
}
