import { logicalTypeOf, unscaledBytes } from '@windrow/contracts';
import type { Type, types } from 'avsc';
import type { Draw } from '../chaos/draw.ts';

const texts = [
  '',
  'a',
  'Zürich',
  '日本語',
  '💥',
  '"\\/\n\u2028',
  '{"a":1}',
  'NULL',
  "'; --",
  'x'.repeat(300),
];
const names = ['', 'a', 'ß', 'toJSON', '__proto__', '7', 'a.b'];
const maxDays = 2_932_896;

/** A value of an Avro type, as avsc encodes it. Most are usual ones, some are the first or last of the type. */
export function drawnValue(type: Type, draw: Draw): unknown {
  const logicalType = logicalTypeOf(type);
  switch (type.typeName) {
    case 'null':
      return null;
    case 'boolean':
      return draw.chance(0.5);
    case 'int':
      if (logicalType?.name === 'date') return draw.one([0, -719_162, maxDays, draw.between(0, 20_000)]);
      if (logicalType?.name === 'time-millis') return draw.one([0, 86_399_999, draw.between(0, 86_399_999)]);
      return draw.one([0, -1, 2 ** 31 - 1, -(2 ** 31), draw.between(-1_000, 1_000)]);
    case 'long':
      return drawnLong(logicalType?.name, draw);
    case 'float':
      return Math.fround(draw.one([0, -0, 1e-45, 3.4028234663852886e38, draw.between(-999, 999) / 8]));
    case 'double':
      return draw.one([0, -0, 5e-324, Number.MAX_VALUE, 0.1, draw.between(-999, 999) / 7]);
    case 'string':
      return logicalType?.name === 'uuid' ? uuidOf(bytesOf(16, draw)) : draw.one(texts);
    case 'bytes':
      return logicalType?.name === 'decimal' ? drawnDecimal(type, draw) : bytesOf(draw.between(0, 12), draw);
    case 'fixed':
      return logicalType?.name === 'decimal'
        ? drawnDecimal(type, draw)
        : bytesOf((type as types.FixedType).size, draw);
    case 'enum':
      return draw.one((type as types.EnumType).symbols);
    case 'array':
      return Array.from({ length: draw.between(0, 3) }, () =>
        drawnValue((type as types.ArrayType).itemsType, draw),
      );
    case 'map':
      return Object.fromEntries(
        Array.from({ length: draw.between(0, 3) }, () => [
          draw.one(names),
          drawnValue((type as types.MapType).valuesType as Type, draw),
        ]),
      );
    case 'record':
      return Object.fromEntries(
        (type as types.RecordType).fields.map(({ name, type: own }) => [name, drawnValue(own, draw)]),
      );
    default:
      return drawnValue(draw.one((type as types.UnwrappedUnionType).types), draw);
  }
}

function drawnLong(logicalType: string | undefined, draw: Draw): number | bigint {
  const usualMs = Date.UTC(2024, 4, 1) + draw.between(0, 86_400_000);
  switch (logicalType) {
    case 'time-micros':
      return draw.one([0, 86_399_999_999, draw.between(0, 86_399_999_999)]);
    case 'timestamp-millis':
    case 'local-timestamp-millis':
      return draw.one([usualMs, usualMs, -62_135_596_800_000, 253_402_300_799_999]);
    case 'timestamp-micros':
    case 'local-timestamp-micros':
      return draw.one([usualMs * 1_000 + 7, -1, -62_135_596_800_000_000n, 253_402_300_799_999_999n]);
    default:
      return draw.one([0, -1, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n, draw.between(-1_000, 1_000)]);
  }
}

function drawnDecimal(type: Type, draw: Draw): Buffer {
  const { precision = 0 } = logicalTypeOf(type) ?? {};
  const last = 10n ** BigInt(precision) - 1n;
  const unscaled = draw.one([0n, 1n, -1n, last, -last, BigInt(draw.between(-99_999, 99_999))]);
  const bounded = unscaled > last || unscaled < -last ? unscaled % (last + 1n) : unscaled;
  return unscaledBytes(bounded, type.typeName === 'fixed' ? (type as types.FixedType).size : 17);
}

const bytesOf = (length: number, draw: Draw): Buffer =>
  Buffer.from(Array.from({ length }, () => draw.between(0, 255)));

function uuidOf(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
