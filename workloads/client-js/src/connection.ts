/** Carries out what the states say: tokens, timers and the transport. */
import { RealtimeError } from "./errors.js";
import { START, step, type Effect, type Input, type Machine } from "./machine.js";
import type { TokenSource } from "./token.js";
import type { Opening, Transport } from "./transport.js";

/** Whose connection it is. */
export interface Owner {
  /** What a connection begins with now. */
  opening(token: string | undefined): Opening;
  /** `retryAt` is when the next try begins, while it is waited for. */
  changed(before: Machine, machine: Machine, retryAt: number | undefined): void;
}

export class Connection {
  readonly #transport: Transport;
  readonly #token: TokenSource;
  readonly #owner: Owner;
  #machine: Machine = START;
  #inputs: Input[] = [];
  #isStepping = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #retryAt: number | undefined;
  #openedAt = 0;
  /** Counts what is asked of the token function: an answer to an older question is not taken. */
  #question = 0;

  constructor(transport: Transport, token: TokenSource, owner: Owner) {
    this.#transport = transport;
    this.#token = token;
    this.#owner = owner;
  }

  get machine(): Machine {
    return this.#machine;
  }

  /** For how long it has been open, in milliseconds. */
  get lasted(): number {
    return this.#machine.phase === "open" ? Date.now() - this.#openedAt : 0;
  }

  /** Steps do not run within one another: what a step causes at once comes behind it. */
  take(input: Input): void {
    this.#inputs.push(input);
    if (this.#isStepping) return;
    this.#isStepping = true;
    try {
      for (let next = this.#inputs.shift(); next !== undefined; next = this.#inputs.shift()) this.#step(next);
    } finally {
      this.#isStepping = false;
    }
  }

  #step(input: Input): void {
    const before = this.#machine;
    const [machine, effects] = step(before, input, { chance: Math.random(), renewable: this.#token.renewable });
    this.#machine = machine;
    if (before.phase !== "open" && machine.phase === "open") this.#openedAt = Date.now();
    for (const effect of effects) this.#perform(effect);
    this.#owner.changed(before, machine, machine.phase === "waiting" ? this.#retryAt : undefined);
  }

  #perform(effect: Effect): void {
    switch (effect.kind) {
      case "fetch":
        return void this.#fetch(effect.fresh);
      case "open":
        return this.#transport.open(this.#owner.opening(effect.token));
      case "drop":
        return this.#transport.close();
      case "wait":
        this.#retryAt = Date.now() + effect.milliseconds;
        this.#timer = setTimeout(() => this.take({ kind: "due" }), effect.milliseconds);
        return;
      case "stopWaiting":
        return clearTimeout(this.#timer);
      case "renew":
        return void this.#renew();
      case "present":
        return void this.#present(effect.token);
    }
  }

  async #fetch(fresh: boolean): Promise<void> {
    const question = (this.#question += 1);
    let input: Input;
    try {
      input = { kind: "token", token: fresh ? await this.#token.renew() : await this.#token.current() };
    } catch (error) {
      input = { kind: "refused", error: asError(error) };
    }
    if (question === this.#question) this.take(input);
  }

  /** A token that cannot be had now is asked for again when the connection ends. */
  async #renew(): Promise<void> {
    try {
      this.take({ kind: "renewed", token: await this.#token.renew() });
    } catch (error) {
      if (asError(error).code === "UNAUTHORIZED") this.take({ kind: "refused", error: asError(error) });
    }
  }

  async #present(token: string): Promise<void> {
    try {
      await this.#transport.refresh(token, this.#owner.opening(token));
    } catch (error) {
      const { code } = asError(error);
      // The connection goes on until its own token expires, or has been cut anyway.
      if (code !== "NO_ANSWER" && code !== "NOT_CONNECTED") this.take({ kind: "refused", error: asError(error) });
    }
  }
}

function asError(error: unknown): RealtimeError {
  return error instanceof RealtimeError
    ? error
    : new RealtimeError(error instanceof Error ? error.message : String(error), "UNREACHABLE", undefined, { cause: error });
}
