import {
  type CuratedColumn,
  jsonWriter,
  logicalTypeOf,
  numericOf,
  type PostgresType,
  unscaledOf,
  uuidText,
  valueTypes,
} from '@windrow/contracts';
import {
  type BasicType,
  type ByteSink,
  type FieldWriter,
  fieldWriters,
  textOf,
  UnsendableValue,
  wholeNumber,
  writeText,
} from './binary-fields.ts';

const usBefore2000 = BigInt(Date.UTC(2000, 0, 1)) * 1_000n;
const daysBefore2000 = 10_957;

/**
 * The writer for a column's type and its field's Avro type, which decides the unit of times, and whether a value is text, bytes or a
 * structure. Without an Avro type, times are epoch milliseconds and JSON is text.
 */
export function fieldWriter(type: PostgresType, avro: CuratedColumn['avro']): FieldWriter {
  const numeric = numericOf(type);
  if (numeric) return (sink, value) => writeNumeric(sink, unscaledOf(bytesOf(value)), numeric.scale);
  const types = avro === undefined ? [] : valueTypes(avro);
  const isMicros = hasMicros(avro);
  switch (type) {
    case 'timestamptz':
      return isMicros ? writeTime(usBefore2000, 1n) : fieldWriters.timestamptz;
    case 'timestamp':
      return writeTime(usBefore2000, isMicros ? 1n : 1_000n);
    case 'time':
      return writeTime(0n, isMicros ? 1n : 1_000n);
    case 'date':
      return (sink, value) => fieldWriters.integer(sink, wholeNumber(value) - daysBefore2000);
    case 'smallint':
      return writeSmall;
    case 'real':
      return writeReal;
    case 'bytea':
      return (sink, value) => writeBytes(sink, bytesOf(value));
    case 'uuid':
      return writeUuid;
    case 'text':
      return (sink, value) =>
        writeText(sink, value instanceof Uint8Array ? uuidText(value) : textOf(value), 0);
    case 'jsonb': {
      const isText = types.every(({ typeName }) => typeName === 'string');
      if (avro === undefined || isText) return fieldWriters.jsonb;
      const toJson = jsonWriter(avro);
      return (sink, value) => writeText(sink, toJson(value), 1);
    }
    default:
      return fieldWriters[type as BasicType];
  }
}

/** Whether the field has times in microseconds. */
export function hasMicros(avro: CuratedColumn['avro']): boolean {
  const types = avro === undefined ? [] : valueTypes(avro);
  return types.some((each) => logicalTypeOf(each)?.name.endsWith('-micros'));
}

/** Microseconds after Postgres' epoch, from a number of `unitUs` microseconds after 1970, or after midnight. */
function writeTime(epochUs: bigint, unitUs: bigint): FieldWriter {
  return (sink, value) => {
    const us = BigInt(typeof value === 'bigint' ? value : wholeNumber(value)) * unitUs - epochUs;
    if (BigInt.asIntN(64, us) !== us) throw new UnsendableValue(`the time ${value} is out of range`);
    sink.reserve(12);
    sink.length = sink.bytes.writeInt32BE(8, sink.length);
    sink.length = sink.bytes.writeBigInt64BE(us, sink.length);
  };
}

const writeSmall: FieldWriter = (sink, value) => {
  const number = typeof value === 'bigint' ? Number(value) : wholeNumber(value);
  if (number < -(2 ** 15) || number >= 2 ** 15)
    throw new UnsendableValue(`${value} is out of a smallint's range`);
  sink.reserve(6);
  sink.length = sink.bytes.writeInt32BE(2, sink.length);
  sink.length = sink.bytes.writeInt16BE(number, sink.length);
};

const writeReal: FieldWriter = (sink, value) => {
  if (typeof value !== 'number') throw new UnsendableValue(`a ${typeof value}, not a number`);
  sink.reserve(8);
  sink.length = sink.bytes.writeInt32BE(4, sink.length);
  sink.length = sink.bytes.writeFloatBE(value, sink.length);
};

const uuidForm = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;

const writeUuid: FieldWriter = (sink, value) => {
  if (typeof value === 'string' && !uuidForm.test(value)) throw new UnsendableValue(`${value} is no uuid`);
  writeBytes(
    sink,
    typeof value === 'string' ? Buffer.from(value.replaceAll('-', ''), 'hex') : bytesOf(value),
  );
};

function bytesOf(value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new UnsendableValue(`a ${typeof value}, not bytes`);
  return value;
}

function writeBytes(sink: ByteSink, bytes: Uint8Array): void {
  sink.reserve(4 + bytes.length);
  sink.length = sink.bytes.writeInt32BE(bytes.length, sink.length);
  sink.bytes.set(bytes, sink.length);
  sink.length += bytes.length;
}

/** Decimal digits of one of numeric's digits, which are in base 10,000. */
const digitWidth = 4;

/** numeric's binary form: the count of digits, the weight of the first, the sign and the scale, then the digits. */
function writeNumeric(sink: ByteSink, unscaled: bigint, scale: number): void {
  const isNegative = unscaled < 0n;
  // Zeros at both ends, so that the decimal point is between two digits.
  const fractionWidth = Math.ceil(scale / digitWidth) * digitWidth;
  const text = String(isNegative ? -unscaled : unscaled) + '0'.repeat(fractionWidth - scale);
  const padded = text.padStart(Math.ceil(text.length / digitWidth) * digitWidth, '0');
  const digits = (padded.match(/.{4}/g) ?? []).map(Number);
  let weight = digits.length - fractionWidth / digitWidth - 1;
  while (digits[0] === 0) {
    digits.shift();
    weight -= 1;
  }
  while (digits.at(-1) === 0) digits.pop();
  sink.reserve(12 + 2 * digits.length);
  sink.length = sink.bytes.writeInt32BE(8 + 2 * digits.length, sink.length);
  const header = [digits.length, digits.length === 0 ? 0 : weight, isNegative ? 0x4000 : 0, scale];
  for (const word of [...header, ...digits])
    sink.length = sink.bytes.writeUInt16BE(word & 0xffff, sink.length);
}
