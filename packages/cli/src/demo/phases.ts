export interface Phase {
  name: string;
  ms: number;
}

/** Prints each phase when it begins, and measures how long it takes. */
export class Phases {
  readonly all: Phase[] = [];
  readonly #note: (line: string) => void;
  readonly #signal: AbortSignal;

  constructor(note: (line: string) => void, signal: AbortSignal) {
    this.#note = note;
    this.#signal = signal;
  }

  /** A phase that the signal interrupts rejects with the signal's reason, and not with its own error. */
  async run<T>(name: string, what: string, work: () => Promise<T>): Promise<T> {
    this.#signal.throwIfAborted();
    this.#note(`▸ ${what}`);
    const begunMs = performance.now();
    try {
      return await work();
    } catch (error) {
      this.#signal.throwIfAborted();
      throw error;
    } finally {
      this.all.push({ name, ms: performance.now() - begunMs });
    }
  }
}
