/** The newest of what was seen. */

export class Recent {
  readonly #limit: number;
  readonly #seen = new Set<string>();

  constructor(limit = 10_000) {
    this.#limit = limit;
  }

  /** Whether it is seen for the first time. */
  add(id: string): boolean {
    if (this.#seen.has(id)) return false;
    this.#seen.add(id);
    if (this.#seen.size > this.#limit) {
      const [oldest] = this.#seen;
      if (oldest !== undefined) this.#seen.delete(oldest);
    }
    return true;
  }
}
