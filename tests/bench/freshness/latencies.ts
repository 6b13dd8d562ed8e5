import { must } from '@windrow/runtime/testing';
/** A count that only grows, and when it was seen to: rows of a partition, acknowledged or readable. */
export interface Step {
  rows: number;
  atMs: number;
}

/** So many rows took so long. */
export interface Latency {
  rows: number;
  ms: number;
}

/**
 * Rows keep their order in a partition. So the nth that was acknowledged is readable when n are; rows that are not readable
 * yet are left out. Both lists ascend; rows before `fromRow` (those of earlier measurements) don't count.
 */
export function latenciesOf(acknowledged: Step[], readable: Step[], fromRow: number): Latency[] {
  const latencies: Latency[] = [];
  let row = fromRow;
  let next = 0;
  for (const { rows: until, atMs } of acknowledged) {
    while (row < until) {
      while (next < readable.length && must(readable[next]).rows <= row) next += 1;
      const step = readable[next];
      if (!step) return latencies;
      const end = Math.min(until, step.rows);
      // What was read before its sender had the answer was at once.
      latencies.push({ rows: end - row, ms: Math.max(0, step.atMs - atMs) });
      row = end;
    }
  }
  return latencies;
}

/** The time within which this share of the rows was readable; NaN where there are none. */
export function percentile(latencies: Latency[], share: number): number {
  const sorted = [...latencies].sort((a, b) => a.ms - b.ms);
  const wanted = share * sorted.reduce((sum, { rows }) => sum + rows, 0);
  let rows = 0;
  for (const latency of sorted) {
    rows += latency.rows;
    if (rows >= wanted) return latency.ms;
  }
  return Number.NaN;
}
