import { createRequire } from 'node:module';
import { crc32c } from '@node-rs/crc32';

const require = createRequire(import.meta.url);

interface KafkaRecord {
  offsetDelta?: number;
  timestampDelta?: number;
  key?: Buffer | string | null;
  value?: Buffer | string | null;
  headers?: Record<string, unknown>;
}
/** As much of kafkajs' `Encoder` as is asked of one that is written into another. */
interface Encoded {
  buf: Buffer;
  buffer: Buffer;
}
/** A number, or one of kafkajs' `Long`. */
interface Printable {
  toString(): string;
}
interface KafkaRecordBatch {
  compression?: number;
  firstOffset?: Printable;
  firstTimestamp?: Printable;
  maxTimestamp?: Printable;
  partitionLeaderEpoch?: number;
  lastOffsetDelta?: number;
  transactional?: boolean;
  producerId?: Printable;
  producerEpoch?: number;
  firstSequence?: number;
  records?: (PlainRecord | Encoded)[];
}

type EncodeRecord = (record: KafkaRecord) => PlainRecord | Encoded;
type EncodeBatch = (batch: KafkaRecordBatch) => Promise<Encoded & { size(): number }>;

const recordModule = 'kafkajs/src/protocol/recordBatch/record/v0';
const batchModule = 'kafkajs/src/protocol/recordBatch/v0';
const taker = 'kafkajs/src/protocol/requests/produce/v3/request';

// As kafkajs has them, for what is compressed, or has headers or a time of its own.
const generalRecord: EncodeRecord = require(recordModule);
const batches: { RecordBatch: EncodeBatch } = require(batchModule);
const generalBatch = batches.RecordBatch;

/**
 * Encodes records for Kafka straight into their batch: kafkajs makes each in a zeroed buffer that it grows, copies it three
 * times on its way into the batch, and takes the checksum byte by byte. That was more than half of what an event costs. The
 * bytes are the same.
 */
export function quickenProduceEncoding(): void {
  if (batches.RecordBatch === quickBatch) return;
  const record = require.cache[require.resolve(recordModule)];
  if (record) record.exports = quickRecord;
  batches.RecordBatch = quickBatch;
  const encoder = require('kafkajs/src/protocol/encoder') as { prototype: Encoder };
  encoder.prototype.ensureAvailable = ensureAvailable;
  // What has taken the slow ones already is loaded anew, by the first request that needs it.
  delete require.cache[require.resolve(taker)];
}

/** Kafkajs' encoder: `buf` up to `offset` is what has been written, and all that is ever read. */
interface Encoder {
  buf: Buffer;
  offset: number;
  ensureAvailable(bytes: number): void;
}

/** Room that is written at once need not be zeroed first. */
function ensureAvailable(this: Encoder, bytes: number): void {
  const needed = this.offset + bytes;
  if (needed <= this.buf.length) return;
  const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.buf.length));
  this.buf.copy(larger, 0, 0, this.offset);
  this.buf = larger;
}

/** A record without headers, at its batch's timestamp: https://kafka.apache.org/documentation/#record */
class PlainRecord {
  readonly #offsetDelta: number;
  readonly #key: Buffer | string | null;
  readonly #keyBytes: number;
  readonly #value: Buffer | null;
  /** What follows its length. */
  readonly #bytes: number;

  constructor(offsetDelta: number, key: Buffer | string | null, value: Buffer | null) {
    this.#offsetDelta = offsetDelta;
    this.#key = key;
    this.#keyBytes = key === null ? -1 : typeof key === 'string' ? Buffer.byteLength(key) : key.length;
    this.#value = value;
    const valueBytes = value?.length ?? -1;
    // Around them: attributes, the delta of the timestamp, and the count of headers, a byte each.
    this.#bytes =
      3 +
      varintBytes(offsetDelta) +
      varintBytes(this.#keyBytes) +
      Math.max(this.#keyBytes, 0) +
      varintBytes(valueBytes) +
      Math.max(valueBytes, 0);
  }

  get size(): number {
    return varintBytes(this.#bytes) + this.#bytes;
  }

  /** @returns where it ends */
  writeTo(target: Buffer, start: number): number {
    const [key, value] = [this.#key, this.#value];
    let at = writeVarint(target, start, this.#bytes);
    target[at++] = 0;
    target[at++] = 0;
    at = writeVarint(target, at, this.#offsetDelta);
    at = writeVarint(target, at, this.#keyBytes);
    if (typeof key === 'string') at += target.write(key, at, 'utf8');
    else if (key) at += key.copy(target, at);
    at = writeVarint(target, at, value?.length ?? -1);
    if (value) at += value.copy(target, at);
    target[at++] = 0;
    return at;
  }

  get buffer(): Buffer {
    const alone = Buffer.allocUnsafe(this.size);
    this.writeTo(alone, 0);
    return alone;
  }

  get buf(): Buffer {
    return this.buffer;
  }
}

export function quickRecord(record: KafkaRecord): PlainRecord | Encoded {
  const { offsetDelta = 0, timestampDelta = 0, key = null, value = null, headers } = record;
  if (typeof value === 'string' || timestampDelta !== 0 || (headers && !isEmpty(headers)))
    return generalRecord(record);
  return new PlainRecord(offsetDelta, key, value);
}

const headerBytes = 61;
/** Where what the checksum covers begins. */
const checkedFrom = 21;
const magic = 2;
const transactionalBit = 16;

/** https://kafka.apache.org/documentation/#recordbatch */
export async function quickBatch(batch: KafkaRecordBatch): ReturnType<EncodeBatch> {
  if (batch.compression) return generalBatch(batch);
  const { records = [], firstTimestamp = Date.now(), maxTimestamp = Date.now() } = batch;
  let bytes = headerBytes;
  for (const record of records) bytes += record instanceof PlainRecord ? record.size : record.buffer.length;
  const buffer = Buffer.allocUnsafe(bytes);
  const writeLong = (value: Printable, at: number) => buffer.writeBigInt64BE(BigInt(value.toString()), at);
  writeLong(batch.firstOffset ?? 0, 0);
  buffer.writeInt32BE(bytes - 12, 8);
  buffer.writeInt32BE(batch.partitionLeaderEpoch ?? 0, 12);
  buffer.writeInt8(magic, 16);
  buffer.writeInt16BE(batch.transactional ? transactionalBit : 0, checkedFrom);
  buffer.writeInt32BE(batch.lastOffsetDelta ?? 0, 23);
  writeLong(firstTimestamp, 27);
  writeLong(maxTimestamp, 35);
  writeLong(batch.producerId ?? -1, 43);
  buffer.writeInt16BE(batch.producerEpoch ?? 0, 51);
  buffer.writeInt32BE(batch.firstSequence ?? 0, 53);
  buffer.writeInt32BE(records.length, 57);
  let at = headerBytes;
  for (const record of records)
    at = record instanceof PlainRecord ? record.writeTo(buffer, at) : at + record.buffer.copy(buffer, at);
  buffer.writeUInt32BE(crc32c(buffer.subarray(checkedFrom)), 17);
  return { buf: buffer, buffer, size: () => bytes };
}

function isEmpty(object: object): boolean {
  for (const _ in object) return false;
  return true;
}

const zigzag = (value: number): number => ((value << 1) ^ (value >> 31)) >>> 0;

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = zigzag(value); rest > 0x7f; rest >>>= 7) bytes += 1;
  return bytes;
}

function writeVarint(buffer: Buffer, start: number, value: number): number {
  let at = start;
  let rest = zigzag(value);
  for (; rest > 0x7f; rest >>>= 7) buffer[at++] = (rest & 0x7f) | 0x80;
  buffer[at++] = rest;
  return at;
}
