import { crc32c } from '@node-rs/crc32';
import { internalModule, reloadModule, replaceModule } from './kafkajs-internals.ts';

interface KafkaRecord {
  offsetDelta?: number;
  timestampDelta?: number;
  key?: Buffer | string | null;
  value?: Buffer | string | null;
  headers?: Record<string, unknown>;
}
/** The part of kafkajs' `Encoder` that is read when one encoder is written into another. */
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

const recordModule = 'protocol/recordBatch/record/v0';
const batchModule = 'protocol/recordBatch/v0';

/** kafkajs' own encoders, for batches that are compressed and records with headers or a time of their own. */
const general: { record?: EncodeRecord; batch?: EncodeBatch } = {};

/**
 * Encodes records straight into their batch. kafkajs encodes each record into a zeroed buffer that it grows, copies it
 * three times on its way into the batch, and computes the checksum byte by byte: that was more than half of an event's
 * cost. The bytes are the same.
 */
export function encodeWithoutCopies(): void {
  general.record = internalModule<EncodeRecord>(recordModule);
  const batches = internalModule<{ RecordBatch: EncodeBatch }>(batchModule);
  general.batch = batches.RecordBatch;
  replaceModule(recordModule, encodeRecord);
  batches.RecordBatch = encodeBatch;
  const encoder = internalModule<{ prototype: Encoder }>('protocol/encoder');
  encoder.prototype.ensureAvailable = ensureAvailable;
  // A request that was loaded before has kept kafkajs' encoders.
  reloadModule('protocol/requests/produce/v3/request');
}

function patched<T>(original: T | undefined): T {
  if (original === undefined)
    throw new TypeError("kafkajs' encoders are not patched yet: call applyPatches first");
  return original;
}

/** kafkajs' encoder. Only the bytes of `buf` below `offset` have been written, and only these are read. */
interface Encoder {
  buf: Buffer;
  offset: number;
  ensureAvailable(bytes: number): void;
}

/** As kafkajs' own, but the new buffer is not zeroed: its bytes are written before they are read. */
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
  /** Without the length field itself. */
  readonly #bytes: number;

  constructor(offsetDelta: number, key: Buffer | string | null, value: Buffer | null) {
    this.#offsetDelta = offsetDelta;
    this.#key = key;
    this.#keyBytes = key === null ? -1 : typeof key === 'string' ? Buffer.byteLength(key) : key.length;
    this.#value = value;
    const valueBytes = value?.length ?? -1;
    // 3: attributes, timestamp delta and header count take one byte each.
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

  /** @returns the position after the record */
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

export function encodeRecord(record: KafkaRecord): PlainRecord | Encoded {
  const { offsetDelta = 0, timestampDelta = 0, key = null, value = null, headers } = record;
  if (typeof value === 'string' || timestampDelta !== 0 || (headers && !isEmpty(headers)))
    return patched(general.record)(record);
  return new PlainRecord(offsetDelta, key, value);
}

const headerBytes = 61;
/** The checksum covers the bytes from here on. */
const checkedFrom = 21;
const magic = 2;
const transactionalBit = 16;

/** https://kafka.apache.org/documentation/#recordbatch */
export async function encodeBatch(batch: KafkaRecordBatch): ReturnType<EncodeBatch> {
  if (batch.compression) return patched(general.batch)(batch);
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
