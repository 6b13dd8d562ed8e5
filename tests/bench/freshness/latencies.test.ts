import { describe, expect, it } from 'vitest';
import { latenciesOf, percentile } from './latencies.ts';

describe('latencies', () => {
  it('splits what was acknowledged at once by when its rows were readable', () => {
    const acknowledged = [
      { rows: 10, atMs: 100 },
      { rows: 30, atMs: 200 },
    ];
    const readable = [
      { rows: 0, atMs: 90 },
      { rows: 15, atMs: 400 },
      { rows: 30, atMs: 900 },
    ];
    expect(latenciesOf(acknowledged, readable, 0)).toEqual([
      { rows: 10, ms: 300 },
      { rows: 5, ms: 200 },
      { rows: 15, ms: 700 },
    ]);
  });

  it('leaves out rows of earlier measurements, and those that are not readable yet', () => {
    const acknowledged = [
      { rows: 10, atMs: 100 },
      { rows: 20, atMs: 200 },
    ];
    expect(latenciesOf(acknowledged, [{ rows: 12, atMs: 300 }], 8)).toEqual([
      { rows: 2, ms: 200 },
      { rows: 2, ms: 100 },
    ]);
    expect(latenciesOf(acknowledged, [], 0)).toEqual([]);
  });

  it('weighs a percentile by rows', () => {
    const latencies = [
      { rows: 1, ms: 1_000 },
      { rows: 98, ms: 10 },
      { rows: 1, ms: 500 },
    ];
    expect([0.5, 0.98, 0.99, 1].map((share) => percentile(latencies, share))).toEqual([10, 10, 500, 1_000]);
    expect(percentile([], 0.5)).toBeNaN();
  });
});
