import type { MicroBatch, OffsetRange } from './destination.ts';

/** A micro-batch that a lane fills, with the offsets that it covers. */
export class Filling<Batch extends MicroBatch> {
  readonly batch: Batch;
  /** It has reached its age, or the lane was told to land it. */
  isDue = false;
  /** What it has taken from the memory budget. */
  heldBytes = 0;
  readonly #openedMs = Date.now();
  readonly #ranges = new Map<number, { readonly fromOffset: number; nextOffset: number }>();

  constructor(batch: Batch) {
    this.batch = batch;
  }

  get ageSeconds(): number {
    return (Date.now() - this.#openedMs) / 1000;
  }

  /** Extends the partition's range. `fromOffset`: where the ledger is before this micro-batch. */
  advance(partition: number, fromOffset: number, nextOffset: number): void {
    const range = this.#ranges.get(partition);
    if (range) range.nextOffset = nextOffset;
    else this.#ranges.set(partition, { fromOffset, nextOffset });
  }

  /** In ascending order of partitions. */
  ranges(): OffsetRange[] {
    return [...this.#ranges]
      .map(([partition, range]) => ({ partition, ...range }))
      .sort((a, b) => a.partition - b.partition);
  }
}
