/** What carries notifications. */
import type { RealtimeError } from "./errors.js";
import type { TransportName } from "./machine.js";
import type { Expiring, Gap, Notification } from "./notification.js";
import type { Selection } from "./selection.js";

/** What a connection begins with. */
export interface Opening {
  readonly token: string | undefined;
  /** Where the client was. */
  readonly cursor: string | undefined;
  readonly channels: Selection;
}

/** Whom a transport tells what it hears. */
export interface Receiver {
  /** `time` is that of the server, if it said so. */
  opened(transport: TransportName, recovered: boolean, time?: string): void;
  switched(transport: TransportName): void;
  notification(notification: Notification, cursor: string | undefined): void;
  gap(gap: Gap, cursor: string | undefined): void;
  cursor(cursor: string): void;
  expiring(expiring: Expiring): void;
  /** It ended, or could not begin. `returns` when the transport opens it again by itself. */
  cut(reason: string, returns: boolean): void;
  /** `after` is in seconds. */
  refused(error: RealtimeError, after?: number): void;
}

export interface Transport {
  open(opening: Opening): void;
  close(): void;
  /** Says what the client wants to hear from now on; gives what it hears. */
  change(wish: "subscribe" | "unsubscribe", names: Selection, result: Opening): Promise<Selection>;
  /** Goes on with a new token. */
  refresh(token: string, result: Opening): Promise<void>;
}

export type TransportFactory = (receiver: Receiver) => Transport;
