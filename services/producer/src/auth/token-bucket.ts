/**
 * A token bucket (https://en.wikipedia.org/wiki/Token_bucket) with a capacity of one second. A request is accepted whole as
 * soon as the bucket has one token; the excess makes the balance negative and delays the requests after it. So a batch may be
 * larger than the bucket, and the average rate is still limited.
 */
export class TokenBucket {
  readonly #perMs: number;
  readonly #capacity: number;
  #tokens: number;
  #atMs: number;

  /** @param nowMs the time of a monotonic clock, here and below */
  constructor(eventsPerSecond: number, nowMs: number) {
    this.#perMs = eventsPerSecond / 1_000;
    this.#capacity = Math.max(1, eventsPerSecond);
    this.#tokens = this.#capacity;
    this.#atMs = nowMs;
  }

  /** The whole milliseconds until the next request is accepted; 0 if it would be accepted now. */
  waitMs(nowMs: number): number {
    this.#tokens = Math.min(this.#capacity, this.#tokens + (nowMs - this.#atMs) * this.#perMs);
    this.#atMs = nowMs;
    return this.#tokens >= 1 ? 0 : Math.ceil((1 - this.#tokens) / this.#perMs);
  }

  take(events: number): void {
    this.#tokens -= events;
  }
}
