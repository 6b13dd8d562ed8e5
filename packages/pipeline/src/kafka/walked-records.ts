import type { InputRecord, RecordBatch } from '../broker.ts';
import { VarintReader } from './varint-reader.ts';

const none = -1;
/** Length, attributes, both deltas, the lengths of key and value, and the count of headers: a byte each. */
const minRecordBytes = 7;

/** Of the record batch that the records are in. Offsets and times of records are given as differences to it. */
export interface RecordsContext {
  count: number;
  baseOffset: number;
  lastOffsetDelta: number;
  baseTimestampMs: number;
  /** The time of all of its records, where the broker set it. */
  appendTimestampMs: number | undefined;
}

/** Records found in place. */
export class WalkedRecords implements RecordBatch {
  readonly source: Buffer;
  readonly offsets: Float64Array;
  readonly timestampsMs: Float64Array;
  readonly valueStarts: Int32Array;
  readonly valueEnds: Int32Array;
  /** Where each record begins in `source`, with its length. */
  readonly #starts: Int32Array;

  constructor(
    of: Pick<WalkedRecords, 'source' | 'offsets' | 'timestampsMs' | 'valueStarts' | 'valueEnds'>,
    starts: Int32Array,
  ) {
    this.source = of.source;
    this.offsets = of.offsets;
    this.timestampsMs = of.timestampsMs;
    this.valueStarts = of.valueStarts;
    this.valueEnds = of.valueEnds;
    this.#starts = starts;
  }

  get count(): number {
    return this.offsets.length;
  }

  /** Those at the offset or behind it. */
  from(offset: number): WalkedRecords {
    let first = 0;
    while (first < this.count && this.offsets[first]! < offset) first += 1;
    if (first === 0) return this;
    return new WalkedRecords(
      {
        source: this.source,
        offsets: this.offsets.subarray(first),
        timestampsMs: this.timestampsMs.subarray(first),
        valueStarts: this.valueStarts.subarray(first),
        valueEnds: this.valueEnds.subarray(first),
      },
      this.#starts.subarray(first),
    );
  }

  record(index: number): InputRecord {
    if (!(index in this.offsets)) throw new RangeError(`there is no record ${index} of ${this.count}`);
    const { source } = this;
    const reader = new VarintReader(source, this.#starts[index]!);
    reader.varint();
    reader.skip(1);
    reader.varlong();
    reader.varint();
    const key = copied(reader.bytes());
    const value = copied(reader.bytes());
    return {
      offset: this.offsets[index]!,
      timestampMs: this.timestampsMs[index]!,
      key,
      value,
      headers: textHeaders(reader),
    };
  }
}

const copied = (bytes: Buffer | null): Buffer | null => bytes && Buffer.from(bytes);

/** Where a name comes twice, the last value counts. */
function textHeaders(reader: VarintReader): Record<string, string> {
  const texts: Record<string, string> = {};
  for (let left = reader.varint(); left > 0; left--) {
    const name = String(reader.bytes() ?? '');
    const value = reader.bytes();
    if (value === null) delete texts[name];
    else texts[name] = value.toString();
  }
  return texts;
}

/**
 * Finds the records in a record batch's (decompressed) bytes: https://kafka.apache.org/documentation/#record
 * Throws an Error that says what is wrong, where the bytes are not just these records.
 */
export function walkRecords(source: Buffer, context: RecordsContext): WalkedRecords {
  const { count, baseOffset, lastOffsetDelta, baseTimestampMs, appendTimestampMs } = context;
  // Before room is made for them.
  if (count < 0 || count * minRecordBytes > source.length)
    throw new Error(`${count} records can't be in ${source.length} bytes`);
  const offsets = new Float64Array(count);
  const timestampsMs = new Float64Array(count);
  const valueStarts = new Int32Array(count);
  const valueEnds = new Int32Array(count);
  const starts = new Int32Array(count);
  const reader = new VarintReader(source, 0);
  let formerDelta = -1;
  for (let index = 0; index < count; index++) {
    starts[index] = reader.at;
    const length = reader.varint();
    const end = reader.at + length;
    // The record's attributes: no bit of them has a meaning yet.
    reader.skip(1);
    timestampsMs[index] = baseTimestampMs + reader.varlong();
    const offsetDelta = reader.varint();
    if (offsetDelta <= formerDelta || offsetDelta > lastOffsetDelta)
      throw new Error(
        `an offset of ${offsetDelta} behind the first comes after ${formerDelta} of ${lastOffsetDelta}`,
      );
    formerDelta = offsetDelta;
    offsets[index] = baseOffset + offsetDelta;
    reader.skip(reader.length());
    const valueLength = reader.length();
    valueStarts[index] = valueLength === none ? none : reader.at;
    reader.skip(valueLength);
    valueEnds[index] = valueLength === none ? none : reader.at;
    for (let left = reader.count(); left > 0; left--) {
      reader.skip(reader.count());
      reader.skip(reader.length());
    }
    // All that was read lies before, as nothing leads back.
    if (reader.at !== end) throw new Error(`a record of ${length} bytes ends at ${reader.at}, not at ${end}`);
  }
  if (reader.at !== source.length)
    throw new Error(`behind ${count} records there are ${source.length - reader.at} bytes`);
  if (appendTimestampMs !== undefined) timestampsMs.fill(appendTimestampMs);
  return new WalkedRecords({ source, offsets, timestampsMs, valueStarts, valueEnds }, starts);
}
