import { schemaIdHeaders } from '@windrow/contracts';
import type { InputRecord, RecordBatch } from '../broker.ts';
import { VarintReader } from './varint-reader.ts';

const none = -1;
/** Length, attributes, both deltas, the lengths of key and value, and the count of headers: a byte each. */
const minRecordBytes = 7;

/** Fields of the record batch's header. Records have their offsets and times as differences to these. */
export interface RecordsContext {
  count: number;
  baseOffset: number;
  lastOffsetDelta: number;
  baseTimestampMs: number;
  /** The time of all records, where the broker has set it. */
  appendTimestampMs: number | undefined;
}

type Positions = Pick<
  RecordBatchView,
  'source' | 'offsets' | 'timestampsMs' | 'valueStarts' | 'valueEnds' | 'schemaIdsInHeaders'
>;

/** A record batch as positions in its decompressed bytes. */
export class RecordBatchView implements RecordBatch {
  readonly source: Buffer;
  readonly offsets: Float64Array;
  readonly timestampsMs: Float64Array;
  readonly valueStarts: Int32Array;
  readonly valueEnds: Int32Array;
  readonly schemaIdsInHeaders: Uint8Array | undefined;
  /** The position of each record in `source`, at its length field. */
  readonly #starts: Int32Array;

  constructor(of: Positions, starts: Int32Array) {
    this.source = of.source;
    this.offsets = of.offsets;
    this.timestampsMs = of.timestampsMs;
    this.valueStarts = of.valueStarts;
    this.valueEnds = of.valueEnds;
    this.schemaIdsInHeaders = of.schemaIdsInHeaders;
    this.#starts = starts;
  }

  get count(): number {
    return this.offsets.length;
  }

  /** The records from this offset on. */
  from(offset: number): RecordBatchView {
    let first = 0;
    while ((this.offsets[first] ?? offset) < offset) first += 1;
    if (first === 0) return this;
    return new RecordBatchView(
      {
        source: this.source,
        offsets: this.offsets.subarray(first),
        timestampsMs: this.timestampsMs.subarray(first),
        valueStarts: this.valueStarts.subarray(first),
        valueEnds: this.valueEnds.subarray(first),
        schemaIdsInHeaders: this.schemaIdsInHeaders?.subarray(first),
      },
      this.#starts.subarray(first),
    );
  }

  record(index: number): InputRecord {
    const start = this.#starts[index];
    const offset = this.offsets[index];
    const timestampMs = this.timestampsMs[index];
    if (start === undefined || offset === undefined || timestampMs === undefined)
      throw new RangeError(`the batch has ${this.count} records, none with index ${index}`);
    const reader = new VarintReader(this.source, start);
    reader.varint();
    reader.skip(1);
    reader.varlong();
    reader.varint();
    const key = copied(reader.bytes());
    const value = copied(reader.bytes());
    return { offset, timestampMs, key, value, headers: textHeaders(reader) };
  }
}

const copied = (bytes: Buffer | null): Buffer | null => bytes && Buffer.from(bytes);

/** Of several values of a name, the last one counts. */
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
 * Finds the records in a record batch's decompressed bytes: https://kafka.apache.org/documentation/#record
 * @throws Error where the bytes are not exactly `count` records
 */
export function indexRecords(source: Buffer, context: RecordsContext): RecordBatchView {
  const { count, baseOffset, lastOffsetDelta, baseTimestampMs, appendTimestampMs } = context;
  // Checked before memory is allocated for them.
  if (count < 0 || count * minRecordBytes > source.length)
    throw new Error(`${source.length} bytes can't hold ${count} records`);
  const offsets = new Float64Array(count);
  const timestampsMs = new Float64Array(count);
  const valueStarts = new Int32Array(count);
  const valueEnds = new Int32Array(count);
  const starts = new Int32Array(count);
  let schemaIdsInHeaders: Uint8Array | undefined;
  const reader = new VarintReader(source, 0);
  let formerDelta = -1;
  for (let index = 0; index < count; index++) {
    starts[index] = reader.at;
    const length = reader.varint();
    const end = reader.at + length;
    // The record's attributes, of which no bit is used yet.
    reader.skip(1);
    timestampsMs[index] = baseTimestampMs + reader.varlong();
    const offsetDelta = reader.varint();
    if (offsetDelta <= formerDelta || offsetDelta > lastOffsetDelta)
      throw new Error(
        `an offset delta of ${offsetDelta} comes after ${formerDelta}, and the last one must be ${lastOffsetDelta} at most`,
      );
    formerDelta = offsetDelta;
    offsets[index] = baseOffset + offsetDelta;
    reader.skip(reader.length());
    const valueLength = reader.length();
    valueStarts[index] = valueLength === none ? none : reader.at;
    reader.skip(valueLength);
    valueEnds[index] = valueLength === none ? none : reader.at;
    for (let left = reader.count(); left > 0; left--) {
      const nameLength = reader.count();
      if (isSchemaIdHeader(source, reader.at, nameLength)) {
        schemaIdsInHeaders ??= new Uint8Array(count);
        schemaIdsInHeaders[index] = 1;
      }
      reader.skip(nameLength);
      reader.skip(reader.length());
    }
    // No read was beyond `end`, as positions only grow.
    if (reader.at !== end)
      throw new Error(`a record whose length is ${length} ends at ${reader.at} instead of ${end}`);
  }
  if (reader.at !== source.length)
    throw new Error(`${source.length - reader.at} bytes follow the last of ${count} records`);
  if (appendTimestampMs !== undefined) timestampsMs.fill(appendTimestampMs);
  return new RecordBatchView(
    { source, offsets, timestampsMs, valueStarts, valueEnds, schemaIdsInHeaders },
    starts,
  );
}

const schemaIdNames = schemaIdHeaders.map((name) => Buffer.from(name));

function isSchemaIdHeader(source: Buffer, at: number, length: number): boolean {
  for (const name of schemaIdNames)
    if (name.length === length && source.compare(name, 0, length, at, at + length) === 0) return true;
  return false;
}
