import { describe, expect, it } from 'vitest';
import { WindrowError } from './errors.ts';
import { retry, unlessAborted } from './retry.ts';

const away = () => new WindrowError('KAFKA_UNAVAILABLE', 'no broker answers', { retriable: true });

describe('retry', () => {
  it('tries again until it succeeds, with jittered delays below a bound that doubles up to the cap', async () => {
    const delays: number[][] = [];
    for (let round = 0; round < 20; round++) {
      const seen: number[] = [];
      const result = await retry(
        async (attempt) => {
          if (attempt < 5) throw away();
          return attempt;
        },
        { baseMs: 1, capMs: 4, onRetry: ({ delayMs, attempt }) => seen.push(attempt, delayMs) },
      );
      expect(result).toBe(5);
      expect(seen.filter((_, i) => i % 2 === 0)).toEqual([1, 2, 3, 4]);
      delays.push(seen.filter((_, i) => i % 2 === 1));
    }
    [1, 2, 4, 4].forEach((bound, i) => {
      for (const row of delays) expect(row[i]).toBeLessThanOrEqual(bound);
    });
    expect(new Set(delays.map((row) => row[3])).size).toBeGreaterThan(1);
  });

  it('throws at once what is not retriable, and the last error after its attempts', async () => {
    let calls = 0;
    const call = (error: Error) => async () => {
      calls++;
      throw error;
    };
    await expect(retry(call(new Error('a bug')))).rejects.toThrow('a bug');
    expect(calls).toBe(1);
    await expect(retry(call(away()), { attempts: 3, baseMs: 1 })).rejects.toMatchObject({
      code: 'KAFKA_UNAVAILABLE',
    });
    expect(calls).toBe(4);
    await expect(
      retry(call(new Error('odd')), { attempts: 2, baseMs: 1, retriable: () => true }),
    ).rejects.toThrow('odd');
    expect(calls).toBe(6);
  });

  it('stops waiting when the signal says so, with its reason', async () => {
    const stop = new AbortController();
    const reason = new WindrowError('STOPPED', 'stopped by a test');
    const retrying = retry(() => Promise.reject(away()), {
      baseMs: 60_000_000,
      capMs: 60_000_000,
      signal: stop.signal,
      onRetry: () => setImmediate(() => stop.abort(reason)),
    });
    await expect(retrying).rejects.toBe(reason);
    await expect(retry(() => Promise.resolve(1), { signal: stop.signal })).rejects.toBe(reason);
  });
});

describe('unlessAborted', () => {
  it('gives what the call gives, or at once what the signal says', async () => {
    const stop = new AbortController();
    expect(await unlessAborted(Promise.resolve(1), stop.signal)).toBe(1);
    await expect(unlessAborted(Promise.reject(away()), stop.signal)).rejects.toThrow('no broker answers');
    const reason = new WindrowError('STOPPED', 'stopped by a test');
    const never = unlessAborted(new Promise(() => {}), stop.signal);
    stop.abort(reason);
    await expect(never).rejects.toBe(reason);
    await expect(unlessAborted(Promise.reject(away()), stop.signal)).rejects.toBe(reason);
  });
});
