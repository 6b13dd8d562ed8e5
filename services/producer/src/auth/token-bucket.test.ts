import { expect, it } from 'vitest';
import { TokenBucket } from './token-bucket.ts';

/** Sends requests of so many events as soon as each is accepted. @returns the number of accepted events after the time */
function eventsWithin(ms: number, eventsPerSecond: number, eventsPerRequest: number): number {
  const bucket = new TokenBucket(eventsPerSecond, 0);
  let [nowMs, events] = [0, 0];
  while (nowMs <= ms) {
    const waitMs = bucket.waitMs(nowMs);
    if (waitMs > 0) nowMs += waitMs;
    else {
      bucket.take(eventsPerRequest);
      events += eventsPerRequest;
    }
  }
  return events;
}

it.each([
  [1, 1],
  [100, 1],
  [100, 50],
  [100, 2_500],
  [0.1, 1],
  [0.1, 50],
])('lets %d events a second pass over time, in requests of %d', (eventsPerSecond, eventsPerRequest) => {
  const seconds = 10_000;
  const expected = eventsPerSecond * seconds;
  const events = eventsWithin(seconds * 1_000, eventsPerSecond, eventsPerRequest);
  // At most the events of one second plus one request; at least one request less.
  expect(events).toBeGreaterThanOrEqual(expected - eventsPerRequest);
  expect(events).toBeLessThanOrEqual(expected + Math.max(1, eventsPerSecond) + eventsPerRequest);
});

it('holds one second of rest, not more', () => {
  const bucket = new TokenBucket(10, 0);
  const passing = () => {
    let requests = 0;
    for (; bucket.waitMs(3_600_000) === 0; requests++) bucket.take(1);
    return requests;
  };
  expect(passing()).toBe(10);
});

it('says how long it takes until the next request can pass, and then it can', () => {
  const bucket = new TokenBucket(10, 0);
  bucket.take(30);
  expect([2_100, 2_101]).toContain(bucket.waitMs(0));
  expect(bucket.waitMs(2_000)).toBeGreaterThan(0);
  expect(bucket.waitMs(2_101)).toBe(0);
});
