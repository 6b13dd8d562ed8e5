/** A partition without events for this long is idle and no longer holds the watermark back. Micro-batches wait less. */
export const idleAfterMs = 180_000;

interface Newest {
  eventMs: number;
  /** When the last events arrived, by this process' clock. */
  seenMs: number;
}

/**
 * The watermark of event time: the smallest of the newest event times of the partitions that are not idle. If all are idle, it
 * is the largest. It never goes back, also not when an idle partition delivers older events. All times are epoch milliseconds.
 */
export class Watermark {
  readonly #newest = new Map<string, Newest>();
  readonly #nowMs: () => number;
  #reachedMs = Number.NEGATIVE_INFINITY;

  constructor(nowMs: () => number = Date.now) {
    this.#nowMs = nowMs;
  }

  /** @param eventMs the newest time of some events of a partition; ignored unless it is finite */
  note(partition: string, eventMs: number): void {
    if (!Number.isFinite(eventMs)) return;
    const before = this.#newest.get(partition)?.eventMs ?? eventMs;
    this.#newest.set(partition, { eventMs: Math.max(eventMs, before), seenMs: this.#nowMs() });
  }

  /** Removes a partition that another process has taken over. */
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
