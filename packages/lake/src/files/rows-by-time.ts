/** Rows of a micro-batch that go into one file. */
export interface RowGroup {
  /** Epoch milliseconds; NaN: of rows without a time. */
  startMs: number;
  /** Their numbers, in the order of time, and of arrival where that is equal. */
  rows: Uint32Array;
}

/** A micro-batch has fewer rows, and a group is shorter than 2^27 ms (37 hours): together 50 of a number's 53 bits. */
const maxRows = 2 ** 23;

/**
 * Groups rows by tumbling windows of `groupMs`, aligned to the epoch; earlier groups first, rows without a time last.
 * @param timesMs of each row; NaN where it has none
 */
export function groupByTime(timesMs: Float64Array, groupMs: number): RowGroup[] {
  const counts = new Map<number, number>();
  for (let row = 0; row < timesMs.length; ) {
    const startMs = startOf(timesMs[row]!, groupMs);
    const first = row;
    // Neighbours mostly belong together.
    do row++;
    while (row < timesMs.length && Object.is(startOf(timesMs[row]!, groupMs), startMs));
    counts.set(startMs, (counts.get(startMs) ?? 0) + row - first);
  }
  const filled = new Map(
    [...counts].map(([startMs, rows]) => [startMs, { keys: new Float64Array(rows), next: 0 }]),
  );
  let group: { keys: Float64Array; next: number } | undefined;
  let groupStartMs: number | undefined;
  for (let row = 0; row < timesMs.length; row++) {
    const startMs = startOf(timesMs[row]!, groupMs);
    if (!group || !Object.is(startMs, groupStartMs)) group = filled.get(startMs)!;
    groupStartMs = startMs;
    const offsetMs = Number.isNaN(startMs) ? 0 : timesMs[row]! - startMs;
    group.keys[group.next++] = offsetMs * maxRows + row;
  }
  return [...filled]
    .sort(([a], [b]) => orLast(a) - orLast(b))
    .map(([startMs, { keys }]) => ({ startMs, rows: Uint32Array.from(keys.sort(), (key) => key % maxRows) }));
}

function startOf(timeMs: number, groupMs: number): number {
  return Math.floor(timeMs / groupMs) * groupMs;
}

function orLast(startMs: number): number {
  return Number.isNaN(startMs) ? Number.MAX_VALUE : startMs;
}
