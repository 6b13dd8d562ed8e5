import type { PostgresType } from '@windrow/contracts';

/** A value that can't be encoded as its column's type. Its event is rejected, not the whole batch. */
export class UnsendableValue extends Error {}

/** A buffer that doubles when it is full. Writing may replace `bytes`, so read `bytes` again after each write. */
export class ByteSink {
  bytes: Buffer;
  length = 0;

  constructor(capacity: number) {
    this.bytes = Buffer.allocUnsafe(capacity);
  }

  /** Reserves space for `count` more bytes. */
  reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.bytes.length));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }
}

/**
 * Appends one field of a row in the binary COPY format: its length in four bytes, then the type's binary representation
 * (https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format"). Never called with null.
 */
export type FieldWriter = (sink: ByteSink, value: unknown) => void;

const epoch2000Ms = Date.UTC(2000, 0, 1);
const twoTo32 = 2 ** 32;

/** The types whose values need no further knowledge of the field. */
export type BasicType = Extract<
  PostgresType,
  'text' | 'jsonb' | 'timestamptz' | 'double precision' | 'bigint' | 'integer' | 'boolean'
>;

/** By column type. The values are those of AvroCodec: strings, numbers, bigints beyond 2^53, booleans, epoch milliseconds. */
export const fieldWriters: Readonly<Record<BasicType, FieldWriter>> = {
  text: (sink, value) => writeText(sink, textOf(value), 0),

  jsonb(sink, value) {
    const text = textOf(value);
    try {
      JSON.parse(text);
    } catch (cause) {
      throw new UnsendableValue('invalid JSON', { cause });
    }
    writeText(sink, text, 1);
  },

  timestamptz(sink, value) {
    if (typeof value === 'bigint') throw new UnsendableValue(`the time ${value} ms is out of range`);
    const sinceMs = wholeNumber(value) - epoch2000Ms;
    sink.reserve(12);
    sink.length = sink.bytes.writeInt32BE(8, sink.length);
    if (Number.isSafeInteger(sinceMs * 1000)) writeInt64(sink, sinceMs * 1000);
    else sink.length = sink.bytes.writeBigInt64BE(BigInt(sinceMs) * 1000n, sink.length);
  },

  'double precision'(sink, value) {
    const number = typeof value === 'bigint' ? Number(value) : value;
    if (typeof number !== 'number') throw new UnsendableValue(`a ${typeof value}, not a number`);
    if (typeof value === 'bigint' && BigInt(number) !== value)
      throw new UnsendableValue(`${value} is not exact in double precision; make the column bigint`);
    sink.reserve(12);
    sink.length = sink.bytes.writeInt32BE(8, sink.length);
    sink.length = sink.bytes.writeDoubleBE(number, sink.length);
  },

  bigint(sink, value) {
    const long = typeof value === 'bigint' ? value : wholeNumber(value);
    sink.reserve(12);
    sink.length = sink.bytes.writeInt32BE(8, sink.length);
    if (typeof long === 'bigint') sink.length = sink.bytes.writeBigInt64BE(long, sink.length);
    else writeInt64(sink, long);
  },

  integer(sink, value) {
    const number = typeof value === 'bigint' ? Number(value) : wholeNumber(value);
    if (number < -(2 ** 31) || number >= 2 ** 31)
      throw new UnsendableValue(`${value} is out of an integer's range`);
    sink.reserve(8);
    sink.length = sink.bytes.writeInt32BE(4, sink.length);
    sink.length = sink.bytes.writeInt32BE(number, sink.length);
  },

  boolean(sink, value) {
    if (typeof value !== 'boolean') throw new UnsendableValue(`a ${typeof value}, not a boolean`);
    sink.reserve(5);
    sink.length = sink.bytes.writeInt32BE(1, sink.length);
    sink.length = sink.bytes.writeUInt8(value ? 1 : 0, sink.length);
  },
};

export function textOf(value: unknown): string {
  if (typeof value !== 'string') throw new UnsendableValue(`a ${typeof value}, not a string`);
  return value;
}

export function wholeNumber(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value))
    throw new UnsendableValue(`${String(value)} is no whole number within 2^53`);
  return value;
}

function writeInt64(sink: ByteSink, value: number): void {
  sink.length = sink.bytes.writeInt32BE(Math.floor(value / twoTo32), sink.length);
  sink.length = sink.bytes.writeUInt32BE(value >>> 0, sink.length);
}

/** For shorter strings a loop is faster than the native call of `write`. */
const shortText = 48;

/** `version`: the binary form of jsonb starts with its format version, 1; that of text has no version (0). */
export function writeText(sink: ByteSink, text: string, version: 0 | 1): void {
  sink.reserve(4 + version + 3 * text.length);
  const { bytes } = sink;
  const start = sink.length + 4 + version;
  const end = writeAscii(bytes, start, text) ?? start + bytes.write(text, start, 'utf8');
  if (end - start > shortText && bytes.subarray(start, end).includes(0)) rejectNul();
  bytes.writeInt32BE(end - start + version, sink.length);
  if (version === 1) bytes[start - 1] = version;
  sink.length = end;
}

/** The position after the text; undefined if it is not short or not ASCII. */
function writeAscii(bytes: Buffer, start: number, text: string): number | undefined {
  if (text.length > shortText) return undefined;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === 0) rejectNul();
    if (code > 0x7f) return undefined;
    bytes[start + index] = code;
  }
  return start + text.length;
}

function rejectNul(): never {
  throw new UnsendableValue('the character U+0000, which Postgres has no place for');
}
