/** One request: with the token, tried again where that is safe. */
import { ProblemError, RealtimeError, isPassing } from "../errors.js";
import type { ApiOptions } from "../options.js";
import { TokenSource } from "../token.js";

export interface Call {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** Statuses beside those of 200 to 299 that are an answer and no problem. */
  readonly answers?: readonly number[];
}

export interface Answer<Body> {
  readonly body: Body;
  readonly headers: Headers;
}

/** How long one try may take, and how long an announced wait may be, in milliseconds. */
const PATIENCE = 15_000;
const LONGEST = 10_000;

export class Requests {
  readonly token: TokenSource;
  readonly #url: string;
  readonly #retries: number;
  readonly #fetch: typeof fetch;

  constructor(options: ApiOptions, token = new TokenSource(options.token)) {
    this.token = token;
    this.#url = options.url.replace(/\/+$/, "");
    this.#retries = options.retries ?? 5;
    const given = options.fetch;
    this.#fetch = given ?? ((input, init) => globalThis.fetch(input, init));
  }

  /** Every call may be sent twice: one that is not idempotent has an Idempotency-Key. */
  async send<Body>(call: Call): Promise<Answer<Body>> {
    let isRenewed = false;
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.#try<Body>(call, await this.token.current());
      } catch (error) {
        call.signal?.throwIfAborted();
        if (!(error instanceof RealtimeError)) throw error;
        if (error.code === "TOKEN_EXPIRED" && this.token.renewable && !isRenewed) {
          isRenewed = true;
          await this.token.renew();
        } else if (attempt < this.#retries && isWorthTrying(error)) {
          await sleep(pause(error, attempt, Math.random()), call.signal);
        } else {
          throw error;
        }
      }
    }
  }

  async #try<Body>(call: Call, token: string | undefined): Promise<Answer<Body>> {
    const giveUp = new AbortController();
    const abort = () => giveUp.abort();
    call.signal?.throwIfAborted();
    call.signal?.addEventListener("abort", abort);
    const limit = setTimeout(abort, PATIENCE);
    try {
      const answer = await this.#fetch(address(this.#url, call), init(call, token, giveUp.signal));
      const body: unknown = await read(answer);
      if (answer.ok || call.answers?.includes(answer.status)) return { body: body as Body, headers: answer.headers };
      throw new ProblemError(answer.status, body, seconds(answer.headers.get("retry-after")));
    } catch (cause) {
      if (cause instanceof RealtimeError) throw cause;
      throw new RealtimeError(`failed to reach ${call.method} ${call.path}`, "UNREACHABLE", undefined, { cause });
    } finally {
      clearTimeout(limit);
      call.signal?.removeEventListener("abort", abort);
    }
  }
}

function isWorthTrying(error: RealtimeError): boolean {
  return error.code === "UNREACHABLE" || (error instanceof ProblemError && isPassing(error.status));
}

/** Milliseconds before the next try. */
export function pause(error: RealtimeError, attempt: number, chance: number): number {
  const own = Math.min(4_000, 250 * 2 ** attempt) * (0.5 + chance / 2);
  const said = error instanceof ProblemError ? (error.retryAfter ?? 0) * 1000 : 0;
  return Math.min(LONGEST, Math.max(own, said));
}

function address(url: string, { path, query = {} }: Call): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, String(value));
  const text = parameters.toString();
  return `${url}${path}${text === "" ? "" : `?${text}`}`;
}

function init({ method, body, headers }: Call, token: string | undefined, signal: AbortSignal): RequestInit {
  const all: Record<string, string> = { accept: "application/json", ...headers };
  if (body !== undefined) all["content-type"] = "application/json";
  if (token !== undefined) all["authorization"] = `Bearer ${token}`;
  return { method, headers: all, signal, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
}

async function read(answer: Response): Promise<unknown> {
  const text = await answer.text();
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch (error) {
    // What stands between may answer in HTML; a good answer is always JSON.
    if (!answer.ok) return undefined;
    throw error;
  }
}

function seconds(text: string | null): number | undefined {
  const number = text === null ? Number.NaN : Number(text);
  return Number.isFinite(number) && number >= 0 ? number : undefined;
}

function sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", abort, { once: true });
  });
}
