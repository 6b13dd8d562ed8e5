/**
 * A token bucket (https://en.wikipedia.org/wiki/Token_bucket) that holds the tokens of one second. A request passes whole as
 * soon as there is a token for one of its events; the rest is a debt. So a batch that is larger than the bucket passes too,
 * and over time the rate holds.
 */
export class TokenBucket {
  readonly #perMs: number;
  readonly #capacity: number;
  #tokens: number;
  #atMs: number;

  /** `nowMs`, here and below: of a clock that never goes back. */
  constructor(eventsPerSecond: number, nowMs: number) {
    this.#perMs = eventsPerSecond / 1_000;
    this.#capacity = Math.max(1, eventsPerSecond);
    this.#tokens = this.#capacity;
    this.#atMs = nowMs;
  }

  /** The whole milliseconds until the next request can pass; 0: it can. */
  waitMs(nowMs: number): number {
    this.#tokens = Math.min(this.#capacity, this.#tokens + (nowMs - this.#atMs) * this.#perMs);
    this.#atMs = nowMs;
    return this.#tokens >= 1 ? 0 : Math.ceil((1 - this.#tokens) / this.#perMs);
  }

  take(events: number): void {
    this.#tokens -= events;
  }
}
