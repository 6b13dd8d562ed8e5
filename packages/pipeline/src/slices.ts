import type { FetchedBatch } from './broker.ts';

/**
 * Splits a fetched range into contiguous ranges of at most `maxRecords` records. A fetch may have thousands of records; if
 * they are decoded in slices, only a few decoded objects are alive at once, and most die young in the garbage collector.
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
