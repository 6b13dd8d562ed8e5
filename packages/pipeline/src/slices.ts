import type { FetchedBatch } from './broker.ts';

/**
 * A fetched range in ranges of at most `maxRecords` that join, for those who decode: of what a fetch brings, which may be
 * thousands of records, only a few are then objects at once, and the garbage collector finds them dead.
 */
export function* inSlices(batch: FetchedBatch, maxRecords: number): Generator<FetchedBatch> {
  const { records } = batch;
  let { firstOffset } = batch;
  for (let from = 0; from === 0 || from < records.length; from += maxRecords) {
    const next = records[from + maxRecords];
    const nextOffset = next === undefined ? batch.nextOffset : next.offset;
    yield { ...batch, records: records.slice(from, from + maxRecords), firstOffset, nextOffset };
    firstOffset = nextOffset;
  }
}
