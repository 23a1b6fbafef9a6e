/** What the server tells and takes. Times are ISO 8601 in UTC. */

export interface Notification {
  readonly id: string;
  readonly message: string;
  readonly type: string;
  readonly channel: string;
  readonly status: "pending" | "processed" | (string & {});
  readonly timestamp: string;
  /** Absent when there is none. */
  readonly data?: unknown;
}

/** A notification of a user's inbox. */
export interface InboxNotification extends Notification {
  /** When the user read it; `null` when that was not yet. */
  readonly readAt: string | null;
}

/** What is to be published: to a channel, to a user, or to the channel `default`. */
export interface Draft {
  message: string;
  type?: string;
  channel?: string;
  /** Instead of `channel`. */
  user?: string;
  data?: unknown;
}

/** Something that the client asked for is missing. */
export interface Gap {
  readonly reason: "invalid" | "epoch" | "limit" | "trimmed" | (string & {});
  /** Where the client was. */
  readonly from: string;
  /** From where it goes on. */
  readonly to: string;
}

/** The token's time is over soon. */
export interface Expiring {
  readonly expiresAt: string;
}

/** A step in the life of a notification. */
export interface HistoryEntry {
  readonly id: string;
  readonly type: string;
  readonly timestamp: string;
  readonly data: unknown;
}

/** What the instances of a stack have done since each started. */
export interface Figures {
  readonly timestamp: string;
  /** Whether it is all instances; else those that the asked one knows of. */
  readonly complete: boolean;
  readonly instances: readonly InstanceFigures[];
}

export interface InstanceFigures {
  readonly instance: string;
  readonly component: string;
  readonly uptimeSeconds: number;
  /** Open now. */
  readonly connections: { readonly sse: number; readonly websocket: number; readonly polling: number };
  readonly delivered: number;
  readonly published: number;
  /** Ended connections by reason. */
  readonly closed: Readonly<Record<string, number>>;
  /** Connections by how they began. */
  readonly resumed: Readonly<Record<string, number>>;
}

/** The stack as its resource's status says. */
export interface Stack {
  readonly name: string;
  readonly namespace: string;
  readonly ready: boolean;
  readonly message: string;
  readonly components: readonly StackComponent[];
}

export interface StackComponent {
  readonly name: string;
  readonly state: string;
  readonly ready: number;
  readonly desired: number;
  readonly version?: string;
  readonly reason?: string;
  readonly message?: string;
}

export interface Health {
  readonly status: "healthy" | "degraded" | "unhealthy" | (string & {});
  readonly timestamp: string;
  readonly services: Readonly<Record<string, { readonly status: string; readonly message?: string }>>;
}

/** For streams, which cannot send a token. */
export interface Ticket {
  readonly ticket: string;
  readonly expiresAt: string;
}

/** Whether the value has the shape of a notification. Other messages of a stream, such as its first, have not. */
export function isNotification(value: unknown): value is Notification {
  if (typeof value !== "object" || value === null) return false;
  const { id, channel, message } = value as Record<string, unknown>;
  return typeof id === "string" && typeof channel === "string" && typeof message === "string";
}
