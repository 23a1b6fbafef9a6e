/** What can go wrong. */

/** Codes of this client itself; those of the server are in its API's page. */
export type LocalCode =
  | "DISCONNECTED"
  | "NO_ANSWER"
  | "NOT_CONNECTED"
  | "OVERFLOW"
  | "TOKEN_UNAVAILABLE"
  | "UNAUTHORIZED"
  | "UNREACHABLE"
  | "UNSUPPORTED";

/** A connection was refused or given up, or a wish was. */
export class RealtimeError extends Error {
  override readonly name: string = "RealtimeError";
  constructor(
    message: string,
    /** For programs: of the server, such as `TOKEN_SIGNATURE`, or of this client. */
    readonly code: LocalCode | (string & {}),
    /** The status that a request would be answered with, if there is one. */
    readonly status?: number,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** To be thrown by a token function whose user is signed in no more: the client gives up instead of asking again. */
export class UnauthorizedError extends RealtimeError {
  override readonly name = "UnauthorizedError";
  constructor(message = "there is no token for this user", options?: ErrorOptions) {
    super(message, "UNAUTHORIZED", 401, options);
  }
}

/** An answer that is a problem (RFC 9457). */
export class ProblemError extends RealtimeError {
  override readonly name = "ProblemError";
  readonly title: string;
  readonly detail: string;
  /** The field of the request that is wrong. */
  readonly field?: string;
  /** The backend that does not serve. */
  readonly dependency?: string;
  /** After how many seconds to try again, when the server says so. */
  readonly retryAfter?: number;
  declare readonly status: number;

  constructor(status: number, body: unknown, retryAfter?: number) {
    const said = (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;
    const text = (name: string) => (typeof said[name] === "string" ? said[name] : undefined);
    const title = text("title") ?? `status ${status}`;
    const detail = text("detail") ?? text("error") ?? title;
    super(detail, text("code") ?? `HTTP_${status}`, status);
    this.title = title;
    this.detail = detail;
    const [field, dependency] = [text("field"), text("dependency")];
    if (field !== undefined) this.field = field;
    if (dependency !== undefined) this.dependency = dependency;
    if (retryAfter !== undefined) this.retryAfter = retryAfter;
  }
}

/** Whether a failure may be over when it is tried again. */
export function isPassing(status: number | undefined): boolean {
  return status === undefined || status === 408 || status === 429 || status === 502 || status === 503 || status === 504;
}
