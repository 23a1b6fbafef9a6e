/** Client of Realtime Stack. */
export { RealtimeClient, createClient, type Arrival, type ClientEvents } from "./client.js";
export { ProblemError, RealtimeError, UnauthorizedError } from "./errors.js";
export type { TransportName } from "./machine.js";
export type {
  Draft,
  Expiring,
  Figures,
  Gap,
  Health,
  HistoryEntry,
  InboxNotification,
  InstanceFigures,
  Notification,
  Stack,
  StackComponent,
  Ticket,
} from "./notification.js";
export type { ApiOptions, ClientOptions } from "./options.js";
export {
  Api,
  createApi,
  type CallOptions,
  type Inbox,
  type InboxQuery,
  type ListQuery,
  type Page,
  type PublishOptions,
} from "./rest/api.js";
export { newKey } from "./rest/key.js";
export type { Selection } from "./selection.js";
export type { ConnectionState } from "./state.js";
export type { StreamOptions } from "./stream.js";
export type { TokenProvider } from "./token.js";
export type { Opening, Receiver, Transport, TransportFactory } from "./transport.js";
export type { EventSourceConstructor, EventSourceLike, EventSourceMessage } from "./transport/sse.js";
