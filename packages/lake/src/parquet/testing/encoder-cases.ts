import { must } from '@windrow/runtime/testing';
import type { ColumnBatch } from '../../columns/testing/buffers-from-batch.ts';
import type { ColumnValue, ScalarType, TableColumn } from '../../table-schema.ts';

type Bounds = Readonly<Record<string, string | number | boolean | bigint>>;

/** A batch, and the bounds that the statistics of its file must have. Without bounds here, the statistics must have none. */
export interface EncoderCase {
  readonly name: string;
  readonly batch: ColumnBatch;
  readonly minValues?: Bounds;
  readonly maxValues?: Bounds;
  /** Columns that have values but no bounds. */
  readonly unbounded?: readonly string[];
}

type Columns = Readonly<Record<string, readonly [ScalarType, ArrayLike<ColumnValue>]>>;

function batchOf(columns: Columns, nullable = true): ColumnBatch {
  const named = Object.entries(columns);
  return {
    schema: { columns: named.map(([name, [type]]): TableColumn => ({ name, type, nullable })) },
    rowCount: named[0]?.[1][1].length ?? 0,
    columns: named.map(([, [, values]]) => values),
  };
}

/** A batch of one column, named `subject`. */
export function oneColumn(type: ScalarType, values: ColumnValue[], nullable = true): ColumnBatch {
  return batchOf({ subject: [type, values] }, nullable);
}

/** Epoch microseconds. */
const us = (iso: string): bigint => BigInt(Date.parse(iso)) * 1_000n;
const many = (value: (row: number) => ColumnValue): ColumnValue[] =>
  Array.from({ length: 140_000 }, (_, row) => value(row));

const everyType: Columns = {
  text: ['string', ['b', 'a', 'c']],
  whole: ['integer', [7, -7, 0]],
  wide: ['long', [2 ** 40, -(2 ** 40), 1n]],
  real: ['double', [0.1, -2.5, 1e300]],
  short: ['float', [0.1, -2.5, 3]],
  flag: ['boolean', [true, false, true]],
  time: ['timestamp', [us('2013-01-01T10:15:00.123Z') + 456n, us('2013-01-31T00:00:00Z') + 1n, 0]],
  bytes: ['binary', [Buffer.from('ff00', 'hex'), new Uint8Array(), Buffer.from('Parquet')]],
  day: ['date', [15_706, 0, 20_000]],
};
const everyTypeMin = {
  text: 'a',
  whole: -7,
  wide: -(2 ** 40),
  real: -2.5,
  short: -2.5,
  flag: false,
  time: '1970-01-01T00:00:00.000Z',
  day: '1970-01-01',
};
const everyTypeMax = {
  text: 'c',
  whole: 7,
  wide: 2 ** 40,
  real: 1e300,
  short: 3,
  flag: true,
  // Rounded up to milliseconds.
  time: '2013-01-31T00:00:00.001Z',
  day: '2024-10-04',
};
const oneRowMin = {
  text: 'b',
  whole: 7,
  wide: 2 ** 40,
  real: 0.1,
  short: Math.fround(0.1),
  flag: true,
  time: '2013-01-01T10:15:00.123Z',
  day: '2013-01-01',
};

export const encoderCases: readonly EncoderCase[] = [
  { name: 'all types', batch: batchOf(everyType), minValues: everyTypeMin, maxValues: everyTypeMax },
  {
    name: 'required columns',
    batch: batchOf(everyType, false),
    minValues: everyTypeMin,
    maxValues: everyTypeMax,
  },
  {
    name: 'one row',
    batch: batchOf(
      Object.fromEntries(
        Object.entries(everyType).map(([name, [type, values]]) => [name, [type, [must(values[0])]]]),
      ),
    ),
    minValues: oneRowMin,
    maxValues: { ...oneRowMin, time: '2013-01-01T10:15:00.124Z' },
  },
  {
    name: 'nulls among values',
    batch: batchOf(
      Object.fromEntries(
        Object.entries(everyType).map(([name, [type, values]]) => [
          name,
          [type, [null, ...Array.from(values), null, null, ...Array.from(values), null]],
        ]),
      ),
    ),
    minValues: everyTypeMin,
    maxValues: everyTypeMax,
  },
  {
    name: 'nothing but nulls',
    batch: batchOf(
      Object.fromEntries(
        Object.entries(everyType).map(([name, [type]]) => [name, [type, [null, null, null]]]),
      ),
    ),
  },
  {
    name: 'no rows',
    batch: batchOf(Object.fromEntries(Object.entries(everyType).map(([name, [type]]) => [name, [type, []]]))),
  },
  {
    name: 'unicode',
    batch: batchOf({
      scripts: ['string', ['Zürich', '東京', '', 'e\u0301', 'שלום', 'nul\u0000inside', '👩‍👩‍👧']],
      // By UTF-16 units U+10000 sorts before U+FFFD, by UTF-8 after it.
      planes: ['string', ['\u{10000}', '\uFFFD', '\uE000', '\u{10000}', '\u{10000}', '\uE000', '\uE000']],
      // A lone surrogate has no UTF-8 encoding: it is stored as U+FFFD.
      halves: ['string', ['\uD83D', 'a\uDE00', '\uD83Db', '\uD83D', '\uDE00\uD83D', 'a', 'a']],
    }),
    minValues: { scripts: '', planes: '\uE000', halves: 'a' },
    maxValues: { scripts: '👩‍👩‍👧', planes: '\u{10000}', halves: '\uFFFD\uFFFD' },
  },
  {
    name: 'long text',
    batch: batchOf({
      long: ['string', ['x'.repeat(200_000), 'é'.repeat(100_000), `${'a'.repeat(40)}b`]],
      blob: ['binary', [Buffer.alloc(3_000_000, 7), Buffer.alloc(0), Buffer.alloc(1, 1)]],
    }),
    minValues: { long: 'a'.repeat(32) },
    maxValues: { long: `${'é'.repeat(31)}ê` },
  },
  {
    // No string of 32 characters sorts after forty of the last Unicode character.
    name: 'text without an upper bound',
    batch: batchOf({
      topmost: ['string', ['\u{10FFFF}'.repeat(40), 'm'.repeat(32), 'm'.repeat(33)]],
      plain: ['string', ['a', 'b', 'c']],
    }),
    unbounded: ['topmost'],
  },
  {
    name: 'times long ago and far ahead',
    batch: batchOf({
      old: ['timestamp', [us('0001-01-01T00:00:00Z'), us('1582-10-10T12:00:00.001Z'), -1_000, -1_000, null]],
      ahead: ['timestamp', [253_402_300_799_999_000n, 0, 0, 1, null]],
      day: ['date', [-719_162, 2_932_896, -1, 0, null]],
    }),
    minValues: {
      old: '0001-01-01T00:00:00.000Z',
      ahead: '1970-01-01T00:00:00.000Z',
      day: '0001-01-01',
    },
    maxValues: {
      old: '1969-12-31T23:59:59.999Z',
      ahead: '9999-12-31T23:59:59.999Z',
      day: '9999-12-31',
    },
  },
  {
    name: 'years that ISO 8601 writes with a sign',
    batch: batchOf({
      old: ['timestamp', [us('-000044-03-15T00:00:00Z'), 0, null]],
      ahead: ['timestamp', [us('+012000-01-01T00:00:00Z'), 0, null]],
      day: ['date', [-800_000, 4_000_000, null]],
    }),
  },
  {
    name: 'infinities',
    batch: batchOf({
      both: ['double', [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 1]],
      upward: ['float', [1e39, Number.MIN_VALUE, 0, -1]],
      plain: ['integer', [1, 2, 3, 4]],
    }),
  },
  {
    name: 'the ends of number ranges',
    batch: batchOf({
      whole: ['integer', [2 ** 31 - 1, -(2 ** 31), 0, 0]],
      safe: [
        'long',
        [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, BigInt(Number.MAX_SAFE_INTEGER), null],
      ],
      real: ['double', [Number.MIN_VALUE, Number.MAX_VALUE, -Number.MAX_VALUE, -1]],
      zeros: ['double', [-0, 0, -0, 0]],
      tiny: ['float', [2 ** -149, -0, -0, 16_777_217]],
    }),
    minValues: {
      whole: -(2 ** 31),
      safe: Number.MIN_SAFE_INTEGER,
      real: -Number.MAX_VALUE,
      zeros: 0,
      tiny: 0,
    },
    maxValues: {
      whole: 2 ** 31 - 1,
      safe: Number.MAX_SAFE_INTEGER,
      real: Number.MAX_VALUE,
      zeros: 0,
      tiny: 16_777_216,
    },
  },
  {
    name: 'many rows',
    batch: batchOf({
      position: ['long', many((row) => row - 70_000)],
      id: ['string', many((row) => `id-${(row * 7_919) % 140_009}`)],
      city: ['string', many((row) => (row % 3 === 0 ? null : `city ${row % 97}`))],
      constant: ['integer', many(() => 42)],
      sparse: ['double', many((row) => (row % 1_000 === 999 ? row / 8 : null))],
      halfway: ['timestamp', many((row) => (row < 135_000 ? null : row * 1_000))],
    }),
    minValues: {
      position: -70_000,
      id: 'id-0',
      city: 'city 0',
      constant: 42,
      sparse: 999 / 8,
      halfway: '1970-01-01T00:02:15.000Z',
    },
    maxValues: {
      position: 69_999,
      id: 'id-99999',
      city: 'city 96',
      constant: 42,
      sparse: 139_999 / 8,
      halfway: '1970-01-01T00:02:19.999Z',
    },
  },
];

export const nanCase: EncoderCase = {
  name: 'NaN',
  batch: batchOf({
    subject: ['double', [Number.NaN, 1, null, 2, Number.NaN, Number.NaN]],
    short: ['float', [1, 1, null, 2, 3, Number.NaN]],
  }),
  unbounded: ['subject', 'short'],
};

export const wideLongCase: EncoderCase = {
  name: 'longs beyond 2^53',
  batch: batchOf({
    subject: ['long', [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n, 5]],
    upward: ['long', [2n ** 53n + 1n, 2n ** 53n + 1n, -3n, 5]],
  }),
  minValues: { subject: -(2n ** 63n), upward: -3 },
  maxValues: { subject: 2n ** 63n - 1n, upward: 2n ** 53n + 1n },
};

/** parquetjs-lite takes times before 1970 only in milliseconds. */
export const earlyMicrosecondsCase: EncoderCase = {
  name: 'microseconds before 1970',
  batch: batchOf({
    subject: ['timestamp', [-1, -999, us('0001-01-01T00:00:00Z') + 1n, null]],
    edge: ['timestamp', [2 ** 52, 2 ** 52 + 1, -(2 ** 52) - 1, 0]],
  }),
  minValues: { subject: '0001-01-01T00:00:00.000Z', edge: '1827-04-16T00:06:12.629Z' },
  maxValues: { subject: '1970-01-01T00:00:00.000Z', edge: '2112-09-17T23:53:47.371Z' },
};

const max18 = 10n ** 18n - 1n;
const max38 = 10n ** 38n - 1n;

export const decimalsCase: EncoderCase = {
  name: 'decimals',
  batch: batchOf({
    subject: ['decimal(20,20)', [1n, -1n, 10n ** 19n, null, null]],
    small: ['decimal(9,2)', [999_999_999, -999_999_999, 0, 1, null]],
    middle: ['decimal(18,6)', [max18, -max18, 0, -1, null]],
    wide: ['decimal(38,10)', [max38, -max38, 0, -1n, null]],
    whole: ['decimal(19,0)', [10n ** 19n - 1n, 1n - 10n ** 19n, -256n, 255n, null]],
  }),
  minValues: {
    small: '-9999999.99',
    middle: '-999999999999.999999',
    wide: `-${'9'.repeat(28)}.${'9'.repeat(10)}`,
    whole: 1n - 10n ** 19n,
    subject: `-0.${'1'.padStart(20, '0')}`,
  },
  maxValues: {
    small: '9999999.99',
    middle: '999999999999.999999',
    wide: `${'9'.repeat(28)}.${'9'.repeat(10)}`,
    whole: 10n ** 19n - 1n,
    subject: `0.1${'0'.repeat(19)}`,
  },
};
