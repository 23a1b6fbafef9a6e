/** Typed events. */

export class Emitter<Events extends { [Name in keyof Events]: readonly unknown[] }> {
  readonly #listeners: { [Name in keyof Events]?: Set<(...values: Events[Name]) => void> } = {};

  /** Calls the listener for each such event from now on; the result ends that. */
  on<Name extends keyof Events>(event: Name, listener: (...values: Events[Name]) => void): () => void {
    // The same function may be added twice, and each is taken away for itself.
    const own = (...values: Events[Name]) => listener(...values);
    const listeners = (this.#listeners[event] ??= new Set());
    listeners.add(own);
    return () => void listeners.delete(own);
  }

  /** A listener that throws keeps no other from being called; what it throws is reported as what nobody caught. */
  emit<Name extends keyof Events>(event: Name, ...values: Events[Name]): void {
    for (const listener of [...(this.#listeners[event] ?? [])]) {
      try {
        listener(...values);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
