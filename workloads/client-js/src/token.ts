/** Where tokens come from, and how long one is used. */
import { RealtimeError, UnauthorizedError } from "./errors.js";

/** A token, or what gives one: called for the first connection or request, and when the token is about to expire or was refused as expired. */
export type TokenProvider = string | (() => Promise<string> | string);

/** A token that ends within this time is not used any more, in milliseconds. */
const MARGIN = 10_000;

/** One token for connection and requests. */
export class TokenSource {
  readonly #provider: TokenProvider | undefined;
  readonly #now: () => number;
  #token: string | undefined;
  #fetching: Promise<string> | undefined;

  constructor(provider: TokenProvider | undefined, now: () => number = Date.now) {
    this.#provider = provider;
    this.#now = now;
    if (typeof provider === "string") this.#token = provider;
  }

  /** Whether there are tokens at all. */
  get exists(): boolean {
    return this.#provider !== undefined;
  }

  /** Whether a new one can be had. */
  get renewable(): boolean {
    return typeof this.#provider === "function";
  }

  /** The token, a new one if it is about to expire. */
  async current(): Promise<string | undefined> {
    if (this.#token !== undefined && !(this.renewable && this.#ends(this.#token))) return this.#token;
    return this.renewable ? this.renew() : undefined;
  }

  /** A new token. Who asks while one is on its way gets that one. */
  renew(): Promise<string> {
    this.#fetching ??= this.#fetch().finally(() => (this.#fetching = undefined));
    return this.#fetching;
  }

  async #fetch(): Promise<string> {
    const provider = this.#provider;
    if (typeof provider !== "function") throw new UnauthorizedError("the token was given once and cannot be renewed");
    try {
      const token: unknown = await provider();
      if (typeof token !== "string" || token === "") throw new TypeError("the token function gave no text");
      return (this.#token = token);
    } catch (cause) {
      if (cause instanceof UnauthorizedError) throw cause;
      throw new RealtimeError("failed to get a token", "TOKEN_UNAVAILABLE", undefined, { cause });
    }
  }

  #ends(token: string): boolean {
    const end = claims(token)?.["exp"];
    return typeof end === "number" && end * 1000 - this.#now() < MARGIN;
  }
}

/** What a token says of itself. It is not checked: the server does that. `undefined` when it cannot be read. */
export function claims(token: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const payload = (token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(payload), (character) => character.charCodeAt(0));
    const read: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof read === "object" && read !== null ? (read as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** The user that a token is for. */
export function subject(token: string | undefined): string | undefined {
  const sub = token === undefined ? undefined : claims(token)?.["sub"];
  return typeof sub === "string" ? sub : undefined;
}
