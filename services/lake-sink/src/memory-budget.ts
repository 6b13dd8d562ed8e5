/**
 * What the rows of all tables may take together, by estimate. Whoever adds rows waits for `room` first, and adds them where
 * `hasRoom` without waiting for anything else: all who wait for room are told of it at once. Rows are given back when they have
 * landed or were dropped.
 */
export class MemoryBudget {
  readonly #limitBytes: number;
  readonly #onFull: () => void;
  #heldBytes = 0;
  #freed = Promise.withResolvers<void>();

  /** `onFull`: somebody waits for room, so what is held must be made to land. */
  constructor(limitBytes: number, onFull: () => void) {
    this.#limitBytes = limitBytes;
    this.#onFull = onFull;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  get hasRoom(): boolean {
    return this.#heldBytes < this.#limitBytes;
  }

  take(bytes: number): void {
    this.#heldBytes += bytes;
  }

  give(bytes: number): void {
    this.#heldBytes -= bytes;
    this.#freed.resolve();
    this.#freed = Promise.withResolvers();
  }

  /** Fulfilled when the budget is not used up, or the signal says that nobody waits any more. */
  async room(signal: AbortSignal): Promise<void> {
    if (this.hasRoom || signal.aborted) return;
    const ended = Promise.withResolvers<void>();
    const onAbort = () => ended.resolve();
    signal.addEventListener('abort', onAbort, { once: true });
    while (!this.hasRoom && !signal.aborted) {
      const freed = this.#freed.promise;
      this.#onFull();
      await Promise.race([freed, ended.promise]);
    }
    signal.removeEventListener('abort', onAbort);
  }
}
