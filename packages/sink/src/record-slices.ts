import { type FetchedBatch, inSlices, type Outcome } from '@windrow/pipeline';
import type { Decode, DecodedRecords, MicroBatch } from './destination.ts';

type Accepted = Extract<Outcome, { kind: 'ok' }>;

/** A micro-batch of a destination that takes records as objects. */
export interface RecordMicroBatch extends MicroBatch {
  add(partition: number, outcome: Outcome): void;
  /** Called with the oldest accepted record of each slice, after `add`: for measurements of latency. */
  noteAccepted?(accepted: Accepted): void;
}

/** Records that are decoded at once. */
const recordsPerSlice = 256;

/**
 * The {@link Destination.decode} of destinations that take records as objects.
 * @param decodeAndCheck returns one outcome for each record, in order
 */
export function* recordSlices<Batch extends RecordMicroBatch>(
  fetched: FetchedBatch,
  decodeAndCheck: (slice: FetchedBatch) => Promise<Outcome[]>,
): Generator<Decode<Batch>> {
  for (const slice of inSlices(fetched, recordsPerSlice))
    yield async () => new DecodedOutcomes(slice.partition, await decodeAndCheck(slice));
}

/** Outcomes of successive records of a partition. */
export class DecodedOutcomes implements DecodedRecords<RecordMicroBatch> {
  readonly #partition: number;
  readonly #outcomes: readonly Outcome[];
  #isNoted = false;

  constructor(partition: number, outcomes: readonly Outcome[]) {
    this.#partition = partition;
    this.#outcomes = outcomes;
  }

  get count(): number {
    return this.#outcomes.length;
  }

  offsetAt(index: number): number {
    const outcome = this.#outcomes[index];
    if (!outcome) throw new RangeError(`there are ${this.count} records, none has index ${index}`);
    return outcome.input.offset;
  }

  take(batch: RecordMicroBatch, from: number, to: number, isFull: () => boolean): number {
    for (let index = from; index < to; index++) {
      const outcome = this.#outcomes[index];
      if (!outcome) return index;
      batch.add(this.#partition, outcome);
      if (!this.#isNoted && outcome.kind === 'ok') {
        batch.noteAccepted?.(outcome);
        this.#isNoted = true;
      }
      if (isFull()) return index + 1;
    }
    return to;
  }
}
