/**
 * The states of a connection, without clock, network or chance of its own.
 *
 * ```text
 *           connect               token             opened
 *   idle ─────────────► fetching ───────► opening ─────────► open ─┐ expiring, renewed
 *     ▲                   ▲                  │ cut             │ cut └─►
 *     │ close             │ due, nudge       ▼                 ▼
 *   closed ◄──────────────┴──────────── waiting, returning ◄───┘
 *            refused
 * ```
 */
import { RealtimeError, isPassing } from "./errors.js";

export type TransportName = "websocket" | "polling" | "sse";

export type Phase = "idle" | "fetching" | "opening" | "open" | "waiting" | "returning" | "closed";

export interface Machine {
  readonly phase: Phase;
  /** Whether it was open since `connect`. */
  readonly hasOpened: boolean;
  /** Connections in a row that did not last. */
  readonly attempt: number;
  readonly transport: TransportName | null;
  readonly recovered: boolean;
  /** Whether the next token has to be a new one. */
  readonly wantsFresh: boolean;
  /** Why it is not open. */
  readonly reason?: string;
  readonly error?: RealtimeError;
}

export type Input =
  | { readonly kind: "connect" }
  | { readonly kind: "close" }
  | { readonly kind: "token"; readonly token: string | undefined }
  | { readonly kind: "opened"; readonly transport: TransportName; readonly recovered: boolean }
  | { readonly kind: "switched"; readonly transport: TransportName }
  /** The connection ended; `returns` says that the transport opens it again by itself, `lasted` is in milliseconds. */
  | { readonly kind: "cut"; readonly reason: string; readonly returns: boolean; readonly lasted: number }
  /** The connection, or the token for it, was refused. `after` is in seconds. */
  | { readonly kind: "refused"; readonly error: RealtimeError; readonly after?: number }
  | { readonly kind: "due" }
  /** The network is back. */
  | { readonly kind: "nudge" }
  | { readonly kind: "expiring" }
  | { readonly kind: "renewed"; readonly token: string | undefined };

export type Effect =
  | { readonly kind: "fetch"; readonly fresh: boolean }
  | { readonly kind: "open"; readonly token: string | undefined }
  | { readonly kind: "drop" }
  | { readonly kind: "wait"; readonly milliseconds: number }
  | { readonly kind: "stopWaiting" }
  | { readonly kind: "renew" }
  | { readonly kind: "present"; readonly token: string };

/** What a step needs of the world. */
export interface World {
  /** From 0 to 1. */
  readonly chance: number;
  /** Whether a new token can be had. */
  readonly renewable: boolean;
}

export const START: Machine = {
  phase: "idle",
  hasOpened: false,
  attempt: 0,
  transport: null,
  recovered: false,
  wantsFresh: false,
};

/** Shortest and longest time between two tries, in milliseconds. */
export const SHORTEST = 500;
export const LONGEST = 15_000;
/** A connection that was open for so many milliseconds counts as one that worked. */
export const LASTING = 5_000;

type Step = readonly [Machine, readonly Effect[]];

export function step(machine: Machine, input: Input, world: World): Step {
  switch (input.kind) {
    case "connect":
      return begins(machine) ? [{ ...START, phase: "fetching" }, [{ kind: "fetch", fresh: false }]] : [machine, []];
    case "close":
      return begins(machine) ? [machine, []] : [{ ...START, phase: "closed" }, leave(machine)];
    case "token":
      if (machine.phase !== "fetching") return [machine, []];
      return [{ ...machine, phase: "opening", wantsFresh: false }, [{ kind: "open", token: input.token }]];
    case "opened":
      return opened(machine, input);
    case "switched":
      return machine.phase === "open" ? [{ ...machine, transport: input.transport }, []] : [machine, []];
    case "cut":
      return cut(machine, input, world);
    case "refused":
      return refused(machine, input, world);
    case "due":
    case "nudge":
      return again(machine, input.kind);
    case "expiring":
      return machine.phase === "open" && world.renewable ? [machine, [{ kind: "renew" }]] : [machine, []];
    case "renewed":
      if (machine.phase !== "open" || input.token === undefined) return [machine, []];
      return [machine, [{ kind: "present", token: input.token }]];
  }
}

/** Nothing is under way. */
function begins({ phase }: Machine): boolean {
  return phase === "idle" || phase === "closed";
}

/** A transport is open, or will be. */
function holds({ phase }: Machine): boolean {
  return phase === "opening" || phase === "open" || phase === "returning";
}

function leave(machine: Machine): readonly Effect[] {
  if (machine.phase === "waiting") return [{ kind: "stopWaiting" }];
  return holds(machine) ? [{ kind: "drop" }] : [];
}

function opened(machine: Machine, { transport, recovered }: Input & { kind: "opened" }): Step {
  if (!holds(machine)) return [machine, []];
  const { reason: _, ...rest } = machine;
  return [{ ...rest, phase: "open", hasOpened: true, transport, recovered }, []];
}

function cut(machine: Machine, { reason, returns, lasted }: Input & { kind: "cut" }, world: World): Step {
  if (!holds(machine)) return [machine, []];
  const attempt = machine.phase === "open" && lasted >= LASTING ? 0 : machine.attempt + 1;
  const next: Machine = { ...machine, phase: "waiting", attempt, transport: null, recovered: false, reason };
  if (returns) return [{ ...next, phase: "returning" }, []];
  return [next, [{ kind: "wait", milliseconds: delay(attempt, world.chance) }]];
}

function refused(machine: Machine, { error, after }: Input & { kind: "refused" }, world: World): Step {
  if (begins(machine) || machine.phase === "waiting") return [machine, []];
  const drop: readonly Effect[] = holds(machine) ? [{ kind: "drop" }] : [];
  const wantsFresh = error.code === "TOKEN_EXPIRED" && world.renewable;
  if (!wantsFresh && !isWorthTrying(error)) {
    return [{ ...START, phase: "closed", hasOpened: machine.hasOpened, reason: error.message, error }, drop];
  }
  const attempt = machine.attempt + 1;
  const rest = { phase: "waiting", attempt, transport: null, recovered: false, wantsFresh, reason: error.message } as const;
  const milliseconds = Math.max(delay(attempt, world.chance), (after ?? 0) * 1000);
  return [{ ...machine, ...rest }, [...drop, { kind: "wait", milliseconds }]];
}

/** Keys that are away and servers that are busy may be there later; a token function that failed may not fail again. */
function isWorthTrying(error: RealtimeError): boolean {
  return error.code === "TOKEN_UNAVAILABLE" || (error.status !== undefined && isPassing(error.status));
}

function again(machine: Machine, kind: "due" | "nudge"): Step {
  if (machine.phase !== "waiting") return [machine, []];
  const fetch: Effect = { kind: "fetch", fresh: machine.wantsFresh };
  return [{ ...machine, phase: "fetching" }, kind === "nudge" ? [{ kind: "stopWaiting" }, fetch] : [fetch]];
}

/** Doubles with each attempt; half of it is by chance, so that those who were cut off together do not come back together. */
export function delay(attempt: number, chance: number): number {
  const whole = Math.min(LONGEST, SHORTEST * 2 ** Math.min(attempt, 10));
  return Math.round(whole / 2 + (whole / 2) * chance);
}
