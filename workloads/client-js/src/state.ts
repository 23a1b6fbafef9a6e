/** What an application sees of a connection. */
import type { RealtimeError } from "./errors.js";
import type { Machine, TransportName } from "./machine.js";

export interface ConnectionState {
  readonly status: "connecting" | "connected" | "reconnecting" | "closed";
  /** What it speaks now; `null` while it is not connected. */
  readonly transport: TransportName | null;
  /** Whether the connection goes on where the client was. What is missing all the same is told by `gap`. */
  readonly recovered: boolean;
  /** Tries in a row that failed. */
  readonly attempt: number;
  /** When the next try begins, in milliseconds since 1970, while it is waited for. */
  readonly retryAt?: number;
  /** Why it is not connected, in words for a log. */
  readonly reason?: string;
  /** Why it is closed, when it was refused. */
  readonly error?: RealtimeError;
}

export function stateOf(machine: Machine, retryAt?: number): ConnectionState {
  const { transport, recovered, attempt, reason, error } = machine;
  const status = statusOf(machine);
  return {
    status,
    transport: status === "connected" ? transport : null,
    recovered,
    attempt,
    ...(retryAt === undefined ? {} : { retryAt }),
    ...(reason === undefined ? {} : { reason }),
    ...(error === undefined ? {} : { error }),
  };
}

function statusOf({ phase, hasOpened }: Machine): ConnectionState["status"] {
  if (phase === "open") return "connected";
  if (phase === "idle" || phase === "closed") return "closed";
  return hasOpened ? "reconnecting" : "connecting";
}

export function isSameState(one: ConnectionState, other: ConnectionState): boolean {
  const names = ["status", "transport", "recovered", "attempt", "retryAt", "reason", "error"] as const;
  return names.every((name) => one[name] === other[name]);
}
