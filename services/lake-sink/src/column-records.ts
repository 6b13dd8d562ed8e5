import type { FetchedRecordBatches } from '@windrow/pipeline';
import type { Decode, DecodedRecords } from '@windrow/sink';
import type { PreparedRecords } from './column-codec.ts';
import type { Feed } from './feeds.ts';
import type { MicroBatch } from './micro-batch.ts';

/** Whether a fetched range has noted when its oldest event was accepted. */
interface Accepted {
  isNoted: boolean;
}

/** Decodes a fetched range straight into columns, one record batch after the other, without an object for each record. */
export function* columnRecords(
  feed: Feed,
  { partition, batches }: FetchedRecordBatches,
): Generator<Decode<MicroBatch>> {
  const accepted: Accepted = { isNoted: false };
  for (const records of batches)
    yield async () => new ColumnRecords(feed, partition, await feed.codec.prepare(records), accepted);
}

class ColumnRecords implements DecodedRecords<MicroBatch> {
  readonly #feed: Feed;
  readonly #partition: number;
  readonly #prepared: PreparedRecords;
  readonly #accepted: Accepted;

  constructor(feed: Feed, partition: number, prepared: PreparedRecords, accepted: Accepted) {
    this.#feed = feed;
    this.#partition = partition;
    this.#prepared = prepared;
    this.#accepted = accepted;
  }

  get count(): number {
    return this.#prepared.records.count;
  }

  offsetAt(index: number): number {
    return this.#at(this.#prepared.records.offsets, index);
  }

  take(batch: MicroBatch, from: number, to: number): number {
    const first = batch.rowCount;
    const next = batch.take(this.#partition, this.#prepared, from, to);
    if (next === from || this.#accepted.isNoted) return next;
    batch.noteAccepted(first, this.#at(this.#prepared.records.timestampsMs, from));
    this.#accepted.isNoted = true;
    return next;
  }

  async decodeAlone(index: number): Promise<(batch: MicroBatch) => void> {
    const input = this.#prepared.records.record(index);
    const outcome = await this.#feed.decodeAlone(input, this.#partition);
    return (batch) => batch.add(this.#partition, outcome);
  }

  #at(values: Float64Array, index: number): number {
    const value = values[index];
    if (value === undefined) throw new RangeError(`there are ${this.count} records, none has index ${index}`);
    return value;
  }
}
