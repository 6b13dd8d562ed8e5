import avsc, { type Type } from 'avsc';
import { type Conversion, conversionBetween, signExtended } from './logical-conversion.ts';
import type { LogicalType } from './logical-type.ts';
import { longValue } from './long-value.ts';

/**
 * avsc's types with exact longs and with logical types. avsc computes longs as doubles: it refuses those beyond 2^53 and
 * changes the sign of those just below −2^52. A long is a number here if it is a safe integer, otherwise a bigint. avsc
 * compares only the underlying types of two schemas, so that microseconds would be read as milliseconds. These types convert
 * such values while they are read. They override methods that avsc calls itself and doesn't declare.
 */

/** avsc's cursor over a buffer. */
export interface Tap {
  buf: Buffer;
  pos: number;
  readLong(): number;
  writeLong(value: number): void;
}

type Read = (tap: Tap) => unknown;

/** What avsc's types define to make a resolver: `_read` stays null if they can't read the writer's type. */
interface Unresolved {
  _read: Read | null;
}

type Hook = ((value: unknown, type: Type) => void) | undefined;

const logicalTypes = new WeakMap<Type, LogicalType>();

/** The logical type of a type that `avroType` has made. */
export function logicalTypeOf(type: Type): LogicalType | undefined {
  return logicalTypes.get(type);
}

export function annotate<T extends Type>(type: T, logicalType: LogicalType | undefined): T {
  if (logicalType !== undefined) logicalTypes.set(type, logicalType);
  return type;
}

/** Below it, avsc's arithmetic is exact: the zigzag code of the long has at most 53 bits. */
const exactBelow = 2 ** 52;

export class ExactLong extends avsc.types.LongType {
  _check(value: unknown, _flags: unknown, hook: Hook): boolean {
    const isValid = isLong(value);
    if (!isValid && hook) hook(value, this);
    return isValid;
  }

  _read(tap: Tap): number | bigint {
    return readLong(tap);
  }

  _write(tap: Tap, value: unknown): void {
    if (typeof value === 'number' && value > -exactBelow && value < exactBelow && value % 1 === 0)
      tap.writeLong(value);
    else writeWideLong(tap, value);
  }

  _update(unresolved: Unresolved, writer: Type): void {
    const read = writer.typeName === 'long' ? readLong : writer.typeName === 'int' ? readInt : null;
    if (read !== null) unresolved._read = converting(read, conversionOf(writer, this));
  }

  /** avsc calls it for the defaults of fields, too: with their JSON. */
  _copy(value: unknown, options?: { coerce?: number }): unknown {
    if (options?.coerce === 2) return defaultLong(value);
    if (!isLong(value)) throw new TypeError(`invalid long: ${String(value)}`);
    return value;
  }
}

/** Rounds longs to the nearest double, as Avro's promotion does. avsc changes the sign of some. */
export class ExactDouble extends avsc.types.DoubleType {
  _update(unresolved: Unresolved, writer: Type): void {
    if (writer.typeName === 'long') unresolved._read = (tap) => Number(readLong(tap));
    else updateOf(avsc.types.DoubleType).call(this, unresolved, writer);
  }
}

export class ExactFloat extends avsc.types.FloatType {
  _update(unresolved: Unresolved, writer: Type): void {
    if (writer.typeName === 'long') unresolved._read = (tap) => Number(readLong(tap));
    else updateOf(avsc.types.FloatType).call(this, unresolved, writer);
  }
}

/** Int with a logical type. */
export class LogicalInt extends avsc.types.IntType {
  _update(unresolved: Unresolved, writer: Type): void {
    updateOf(avsc.types.IntType).call(this, unresolved, writer);
    convert(unresolved, writer, this);
  }
}

/** Bytes with a logical type. */
export class LogicalBytes extends avsc.types.BytesType {
  _update(unresolved: Unresolved, writer: Type): void {
    updateOf(avsc.types.BytesType).call(this, unresolved, writer);
    convert(unresolved, writer, this);
  }
}

/** Fixed with a logical type. */
export class LogicalFixed extends avsc.types.FixedType {
  _update(unresolved: Unresolved, writer: Type, options: unknown): void {
    updateOf(avsc.types.FixedType).call(this, unresolved, writer, options);
    convert(unresolved, writer, this);
    const read = unresolved._read;
    if (read === null || typeof conversionOf(writer, this) !== 'function') return;
    const { size } = this;
    // A decimal within the type's precision never needs more bytes than the type has.
    unresolved._read = (tap) => signExtended(read.call(unresolved, tap) as Buffer, size);
  }
}

type Update = (unresolved: Unresolved, writer: Type, options?: unknown) => void;

const updateOf = (type: { prototype: unknown }): Update => (type.prototype as { _update: Update })._update;

function conversionOf(writer: Type, reader: Type): Conversion {
  return conversionBetween(logicalTypeOf(writer), logicalTypeOf(reader));
}

function convert(unresolved: Unresolved, writer: Type, reader: Type): void {
  const read = unresolved._read;
  if (read === null) return;
  const conversion = conversionOf(writer, reader);
  // The read functions of avsc find the sizes of the types in the resolver.
  if (typeof conversion === 'function')
    unresolved._read = converting((tap) => read.call(unresolved, tap), conversion);
  else if (conversion === 'never') unresolved._read = null;
}

function converting(read: Read, conversion: Conversion): Read | null {
  if (conversion === 'asIs') return read;
  if (conversion === 'never') return null;
  return (tap) => conversion(read(tap) as never);
}

function isLong(value: unknown): value is number | bigint {
  return typeof value === 'bigint' ? BigInt.asIntN(64, value) === value : Number.isSafeInteger(value);
}

const readInt = (tap: Tap): number => tap.readLong();

function readLong(tap: Tap): number | bigint {
  const start = tap.pos;
  const value = tap.readLong();
  return value > -exactBelow && value < exactBelow ? value : wideLong(tap.buf, start);
}

const maxLongBytes = 10;

/** Reads a long of any size. @throws RangeError if it has more than 64 bits */
function wideLong(bytes: Buffer, start: number): number | bigint {
  let bits = 0n;
  for (let index = 0; index < maxLongBytes; index++) {
    // Past the end avsc itself notices that the value is truncated.
    const byte = bytes[start + index] ?? 0;
    bits |= BigInt(byte & 0x7f) << BigInt(7 * index);
    if (byte < 0x80 && bits < 2n ** 64n) return longValue(BigInt.asIntN(64, (bits >> 1n) ^ -(bits & 1n)));
  }
  throw new RangeError('a long has more than 64 bits');
}

function writeWideLong(tap: Tap, value: unknown): void {
  if (!isLong(value)) throw new TypeError(`invalid long: ${String(value)}`);
  const long = BigInt(value);
  let bits = BigInt.asUintN(64, (long << 1n) ^ (long >> 63n));
  for (; bits > 0x7fn; bits >>= 7n) tap.buf[tap.pos++] = Number(bits & 0x7fn) | 0x80;
  tap.buf[tap.pos++] = Number(bits);
}

/**
 * The default of a field. In our own schemas a default beyond 2^53 has kept its digits (`rawNumber`). In a writer's schema
 * it was rounded when the registry's client parsed it, which does no harm: only the reader's defaults are used.
 */
function defaultLong(value: unknown): number | bigint {
  const digits =
    typeof value === 'object' && value !== null && 'rawJSON' in value ? String(value.rawJSON) : value;
  if (Number.isSafeInteger(digits)) return digits as number;
  if (typeof digits === 'number' && Number.isInteger(digits)) return BigInt.asIntN(64, BigInt(digits));
  const long = typeof digits === 'string' && /^-?\d+$/.test(digits) ? longValue(BigInt(digits)) : digits;
  if (!isLong(long)) throw new TypeError(`${String(value)} is no long`);
  return long;
}
