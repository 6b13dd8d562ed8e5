import { orAborted } from './waiting.ts';

/**
 * Limits the memory that the rows of all micro-batches take together, by estimate. Whoever adds rows waits for `room` first,
 * and adds them while `hasRoom` without awaiting anything else, because every waiter is woken at once. The memory is given
 * back when the rows have landed or were dropped.
 */
export class MemoryBudget {
  readonly #limitBytes: number;
  readonly #onFull: () => void;
  #heldBytes = 0;
  #freed = Promise.withResolvers<void>();

  /** @param onFull called when somebody waits for room: make what is held land */
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

  /** Resolves when the budget has room, or when the signal is aborted. */
  async room(signal: AbortSignal): Promise<void> {
    while (!this.hasRoom && !signal.aborted) {
      const freed = this.#freed.promise;
      this.#onFull();
      await orAborted(freed, signal);
    }
  }
}
