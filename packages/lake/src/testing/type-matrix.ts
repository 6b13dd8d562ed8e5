import type { PostgresType } from '@windrow/contracts';
import type { ColumnType, NestedValue } from '../table-schema.ts';

/** An Avro type, with a value of it on its way from an input to the lake. */
export interface TypeCase {
  /** For people. */
  readonly avro: string;
  readonly schema: unknown;
  /** For people: what inputs send. */
  readonly input: string;
  /** Values as JSON, each with what the column must have. */
  readonly values: readonly [input: unknown, stored: NestedValue][];
  /** Inputs that must be rejected, each with the end of its reason. */
  readonly rejected?: readonly [input: unknown, reason: string][];
  readonly lake: ColumnType;
  /** For people, where the column's type doesn't say it. */
  readonly note?: string;
  readonly postgres: readonly PostgresType[];
}

const logical = (type: string, logicalType: string) => ({ type, logicalType });
const decimal = (precision: number, scale: number) => ({
  ...{ type: 'bytes', logicalType: 'decimal', precision, scale },
});
const uuid = '01234567-89ab-cdef-0123-456789abcdef';
const line = {
  type: 'record',
  name: 'Line',
  fields: [
    { name: 'count', type: 'long' },
    { name: 'price', type: decimal(38, 2), default: '\u0000' },
    { name: 'sold', type: ['null', logical('long', 'timestamp-millis')], default: null },
    { name: 'code', type: ['null', 'long', 'string'], default: null },
  ],
};
const node = { type: 'record', name: 'Node', fields: [{ name: 'next', type: ['null', 'Node'] }] };

/** Every type that a field of a stream may have. docs/reference/types.md is generated from it. */
export const typeMatrix: readonly TypeCase[] = [
  {
    ...{ avro: 'boolean', schema: 'boolean', input: 'true, false', lake: 'boolean', postgres: ['boolean'] },
    values: [
      [true, true],
      ['false', false],
    ],
    rejected: [['yes', 'invalid']],
  },
  {
    ...{ avro: 'int', schema: 'int', input: 'a whole number', lake: 'integer' },
    postgres: ['integer', 'bigint', 'smallint', 'double precision'],
    values: [
      [2 ** 31 - 1, 2 ** 31 - 1],
      [String(-(2 ** 31)), -(2 ** 31)],
    ],
    rejected: [
      [2 ** 31, 'out_of_range'],
      [1.5, 'invalid'],
    ],
  },
  {
    ...{ avro: 'long', schema: 'long', input: 'a whole number', lake: 'long' },
    postgres: ['bigint', 'integer', 'smallint', 'double precision'],
    values: [
      [String(2n ** 63n - 1n), 2n ** 63n - 1n],
      [String(-(2n ** 63n)), -(2n ** 63n)],
      [-1, -1],
    ],
    rejected: [[String(2n ** 63n), 'out_of_range']],
  },
  {
    ...{
      avro: 'float',
      schema: 'float',
      input: 'a number',
      lake: 'float',
      postgres: ['real', 'double precision'],
    },
    values: [
      [0.5, 0.5],
      [-0, -0],
    ],
    rejected: [['1e39', 'out_of_range']],
  },
  {
    ...{
      avro: 'double',
      schema: 'double',
      input: 'a number',
      lake: 'double',
      postgres: ['double precision'],
    },
    values: [
      [0.1, 0.1],
      [-0, -0],
    ],
    rejected: [['1e400', 'out_of_range']],
  },
  {
    ...{ avro: 'string', schema: 'string', input: 'a text', lake: 'string', postgres: ['text', 'jsonb'] },
    note: 'jsonb takes text that is JSON',
    values: [['Zürich', 'Zürich']],
  },
  {
    ...{ avro: 'enum', lake: 'string', postgres: ['text'] },
    ...{ schema: { type: 'enum', name: 'E', symbols: ['A', 'B'] }, input: 'one of its symbols' },
    values: [['B', 'B']],
    rejected: [['C', 'invalid']],
  },
  {
    ...{ avro: 'bytes', schema: 'bytes', input: 'base64 text', lake: 'binary', postgres: ['bytea'] },
    values: [['AP8=', Uint8Array.of(0, 255)]],
    rejected: [['?', 'invalid']],
  },
  {
    ...{ avro: 'fixed', schema: { type: 'fixed', name: 'F', size: 2 }, input: 'base64 text of its size' },
    ...{ lake: 'binary', postgres: ['bytea'] },
    values: [['AP8=', Uint8Array.of(0, 255)]],
    rejected: [['AA==', 'invalid']],
  },
  {
    ...{ avro: 'date', schema: logical('int', 'date'), input: 'a date', lake: 'date', postgres: ['date'] },
    values: [
      ['0001-01-01', -719_162],
      ['9999-12-31', 2_932_896],
    ],
    rejected: [['2013-02-29', 'invalid']],
  },
  {
    ...{ avro: 'time-millis', schema: logical('int', 'time-millis'), input: 'a time of the day' },
    ...{ lake: 'integer', note: 'milliseconds since midnight: Delta has no type for it', postgres: ['time'] },
    values: [
      ['23:59:59.999', 86_399_999],
      ['00:00', 0],
    ],
    rejected: [['24:00', 'invalid']],
  },
  {
    ...{ avro: 'time-micros', schema: logical('long', 'time-micros'), input: 'a time of the day' },
    ...{ lake: 'long', note: 'microseconds since midnight: Delta has no type for it', postgres: ['time'] },
    values: [['23:59:59.999999', 86_399_999_999]],
    rejected: [['x', 'invalid']],
  },
  {
    ...{ avro: 'timestamp-millis', schema: logical('long', 'timestamp-millis'), input: 'a time' },
    ...{ lake: 'timestamp', note: 'microseconds', postgres: ['timestamptz'] },
    values: [
      ['1969-12-31T23:59:59.999Z', -1_000],
      ['9999-12-31T23:59:59.999Z', 253_402_300_799_999_000n],
    ],
    rejected: [['soon', 'invalid']],
  },
  {
    ...{ avro: 'timestamp-micros', schema: logical('long', 'timestamp-micros'), input: 'a time' },
    ...{ lake: 'timestamp', note: 'microseconds', postgres: ['timestamptz'] },
    values: [
      ['1969-12-31T23:59:59.999999Z', -1],
      ['9999-12-31T23:59:59.999999Z', 253_402_300_799_999_999n],
    ],
    rejected: [['soon', 'invalid']],
  },
  {
    ...{ avro: 'local-timestamp-millis', schema: logical('long', 'local-timestamp-millis') },
    ...{ input: 'a time without an offset', lake: 'long', postgres: ['timestamp'] },
    note: "milliseconds on the clock since 1970: Delta's type for it would lock older readers out",
    values: [['1970-01-01 00:00:00.001', 1]],
  },
  {
    ...{ avro: 'local-timestamp-micros', schema: logical('long', 'local-timestamp-micros') },
    ...{ input: 'a time without an offset', lake: 'long', postgres: ['timestamp'] },
    note: "microseconds on the clock since 1970: Delta's type for it would lock older readers out",
    values: [['1970-01-01 00:00:00.000001', 1]],
  },
  {
    ...{ avro: 'uuid (string)', schema: logical('string', 'uuid'), input: 'a uuid' },
    ...{ lake: 'string', postgres: ['uuid', 'text'] },
    values: [[uuid.toUpperCase(), uuid]],
    rejected: [['none', 'invalid']],
  },
  {
    ...{ avro: 'uuid (fixed)', input: 'a uuid', lake: 'string', postgres: ['uuid', 'text'] },
    schema: { type: 'fixed', name: 'U', size: 16, logicalType: 'uuid' },
    values: [[uuid, uuid]],
    rejected: [['none', 'invalid']],
  },
  {
    ...{ avro: 'decimal, up to 9 digits', schema: decimal(9, 2), input: 'a number, or its text' },
    ...{ lake: 'decimal(9,2)', postgres: ['numeric(9,2)', 'numeric(20,2)'] },
    values: [
      ['-9999999.99', -999_999_999],
      [1.5, 150],
      ['1e3', 100_000],
    ],
    rejected: [
      ['0.001', 'not_exact'],
      ['10000000', 'out_of_range'],
      ['x', 'invalid'],
    ],
  },
  {
    ...{ avro: 'decimal, up to 18 digits', schema: decimal(18, 6), input: 'a number, or its text' },
    ...{ lake: 'decimal(18,6)', postgres: ['numeric(18,6)'] },
    values: [['999999999999.999999', 10n ** 18n - 1n]],
    rejected: [['0.0000001', 'not_exact']],
  },
  {
    ...{ avro: 'decimal, up to 38 digits', schema: decimal(38, 10), input: 'a number, or its text' },
    ...{ lake: 'decimal(38,10)', postgres: ['numeric(38,10)'] },
    values: [
      [`-${'9'.repeat(28)}.${'9'.repeat(10)}`, 1n - 10n ** 38n],
      ['0', 0n],
    ],
    rejected: [['1e28', 'out_of_range']],
  },
  {
    ...{
      avro: 'decimal (fixed)',
      input: 'a number, or its text',
      lake: 'decimal(20,3)',
      postgres: ['numeric(20,3)'],
    },
    schema: { type: 'fixed', name: 'D', size: 9, logicalType: 'decimal', precision: 20, scale: 3 },
    values: [['-0.001', -1n]],
  },
  {
    ...{ avro: 'record', schema: line, input: 'an object', postgres: ['jsonb'] },
    lake: {
      type: 'struct',
      fields: [
        { name: 'count', type: 'long', nullable: true },
        { name: 'price', type: 'decimal(38,2)', nullable: true },
        { name: 'sold', type: 'timestamp', nullable: true },
        { name: 'code', type: 'string', nullable: true },
      ],
    },
    values: [
      [
        { count: 1, price: '0.10', sold: '1970-01-01T00:00:00.001Z', code: 'x' },
        { count: 1, price: 10n, sold: 1_000, code: '"x"' },
      ],
      ['{"count":2,"code":5}', { count: 2, price: 0n, sold: null, code: '5' }],
    ],
    rejected: [
      [[], 'invalid'],
      [{ count: 'x' }, 'invalid'],
    ],
  },
  {
    ...{ avro: 'array', schema: { type: 'array', items: ['null', 'long'] }, input: 'an array' },
    ...{ lake: { type: 'array', elementType: 'long', containsNull: true }, postgres: ['jsonb'] },
    values: [
      [
        [1, null, String(2n ** 63n - 1n)],
        [1, null, 2n ** 63n - 1n],
      ],
      [[], []],
    ],
    rejected: [[{}, 'invalid']],
  },
  {
    ...{ avro: 'map', schema: { type: 'map', values: 'double' }, input: 'an object' },
    lake: { type: 'map', keyType: 'string', valueType: 'double', valueContainsNull: true },
    postgres: ['jsonb'],
    values: [
      [{ a: 0.5 }, [{ key: 'a', value: 0.5 }]],
      [{}, []],
      // PHP's empty object.
      [[], []],
    ],
    rejected: [[[1], 'invalid']],
  },
  {
    ...{ avro: 'record that contains itself', schema: node, input: 'an object' },
    ...{ lake: 'string', note: 'JSON', postgres: ['jsonb'] },
    values: [[{ next: { next: null } }, '{"next":{"next":null}}']],
    rejected: [[{ next: 1 }, 'invalid']],
  },
];
