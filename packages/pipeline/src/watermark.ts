/** A partition without events for so long holds the watermark back no more. A micro-batch waits for less. */
export const idleAfterMs = 180_000;

interface Newest {
  eventMs: number;
  /** When the last events came, by this process' clock. */
  seenMs: number;
}

/**
 * How far event time has come: the newest event time of the partition that is furthest behind, of those that are not idle; where
 * all are, of the one that has come furthest. It never goes back, also when a partition that was idle brings older events. All
 * times are epoch milliseconds.
 */
export class Watermark {
  readonly #newest = new Map<string, Newest>();
  readonly #nowMs: () => number;
  #reachedMs = Number.NEGATIVE_INFINITY;

  constructor(nowMs: () => number = Date.now) {
    this.#nowMs = nowMs;
  }

  /** @param eventMs the newest time of some events of a partition; what is no finite number says nothing */
  note(partition: string, eventMs: number): void {
    if (!Number.isFinite(eventMs)) return;
    const before = this.#newest.get(partition)?.eventMs ?? eventMs;
    this.#newest.set(partition, { eventMs: Math.max(eventMs, before), seenMs: this.#nowMs() });
  }

  /** The partition is another process' by now. */
  forget(partition: string): void {
    this.#newest.delete(partition);
    if (this.#newest.size === 0) this.#reachedMs = Number.NEGATIVE_INFINITY;
  }

  /** Null before the first event. */
  get timeMs(): number | null {
    const all = [...this.#newest.values()];
    const awake = all.filter(({ seenMs }) => this.#nowMs() - seenMs < idleAfterMs);
    const nowAtMs =
      awake.length > 0
        ? Math.min(...awake.map(({ eventMs }) => eventMs))
        : Math.max(...all.map(({ eventMs }) => eventMs));
    this.#reachedMs = Math.max(this.#reachedMs, nowAtMs);
    return Number.isFinite(this.#reachedMs) ? this.#reachedMs : null;
  }
}
