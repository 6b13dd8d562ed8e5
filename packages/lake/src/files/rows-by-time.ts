/** The rows of a micro-batch that go into one file. */
export interface RowGroup {
  /** Epoch milliseconds; NaN for the group of rows without a time. */
  startMs: number;
  /** Row numbers, sorted by time, then by arrival. */
  rows: Uint32Array;
}

/**
 * A sort key is an offset in milliseconds and a row number in one double. A micro-batch has fewer rows than this, and a group
 * is shorter than 2^27 ms (37 hours), so a key needs 50 of a double's 53 bits.
 */
const maxRows = 2 ** 23;

/**
 * Groups rows by tumbling windows of `groupMs`, aligned to the epoch; sorted by start, rows without a time last.
 * @param timesMs of each row; NaN where it has none
 */
export function groupByTime(timesMs: Float64Array, groupMs: number): RowGroup[] {
  const counts = new Map<number, number>();
  for (let row = 0; row < timesMs.length; ) {
    const startMs = startOf(timesMs[row] ?? Number.NaN, groupMs);
    const first = row;
    // Neighbouring rows are mostly of the same window.
    do row++;
    while (row < timesMs.length && Object.is(startOf(timesMs[row] ?? Number.NaN, groupMs), startMs));
    counts.set(startMs, (counts.get(startMs) ?? 0) + row - first);
  }
  const filled = new Map(
    [...counts].map(([startMs, rows]) => [startMs, { keys: new Float64Array(rows), next: 0 }]),
  );
  let group: { keys: Float64Array; next: number } | undefined;
  let groupStartMs: number | undefined;
  for (let row = 0; row < timesMs.length; row++) {
    const timeMs = timesMs[row] ?? Number.NaN;
    const startMs = startOf(timeMs, groupMs);
    if (!group || !Object.is(startMs, groupStartMs)) group = filled.get(startMs);
    if (!group) throw new RangeError(`row ${row} has no group`);
    groupStartMs = startMs;
    const offsetMs = Number.isNaN(startMs) ? 0 : timeMs - startMs;
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
