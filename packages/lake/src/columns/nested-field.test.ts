import { avroType, unscaledBytes } from '@windrow/contracts';
import { must } from '@windrow/runtime/testing';
import type { types } from 'avsc';
import { describe, expect, test } from 'vitest';
import { tableSchemaFromAvro } from '../avro-columns.ts';
import type { ColumnType, NestedValue } from '../table-schema.ts';
import { ColumnBuffers } from './column-buffers.ts';
import { createRecordDecoder } from './create-record-decoder.ts';
import { nestedColumnType } from './nested-type.ts';
import { nestedValueAt } from './testing/nested-value-at.ts';

const recordOf = (...fields: unknown[]) => ({ type: 'record', name: 'R', fields });
const oneField = (type: unknown) => recordOf({ name: 'f', type });
const typeOf = (schema: unknown) => avroType(schema) as types.RecordType;
const nestedTypeOf = (type: unknown): ColumnType | undefined =>
  nestedColumnType(must(typeOf(oneField(type)).fields[0]).type);

/** The decoded values of the field `f`, as a nested column; undefined for invalid records. */
function decoded(writer: unknown, reader: unknown, records: readonly Uint8Array[]) {
  const types = [typeOf(writer), typeOf(reader)] as const;
  const schema = tableSchemaFromAvro(reader);
  const buffers = new ColumnBuffers(schema);
  const decoder = createRecordDecoder(...types, schema);
  const at = schema.columns.findIndex(({ name }) => name === 'f');
  return records.map((bytes): NestedValue | undefined => {
    const rows = must(buffers.columns[0]).rows;
    const ends = Int32Array.of(bytes.length);
    if (decoder.decode(bytes, Int32Array.of(0), ends, 0, 1, buffers) === 0) {
      expect(must(buffers.columns[0]).rows).toBe(rows);
      return undefined;
    }
    const column = must(buffers.columns[at]);
    if (column.kind !== 'nested') throw new TypeError('the column is not nested');
    return nestedValueAt(column, rows);
  });
}

const logical = (type: string, logicalType: string) => ({ type, logicalType });
const place = {
  type: 'record',
  name: 'Place',
  fields: [
    { name: 'seen', type: ['null', logical('long', 'timestamp-millis')] },
    { name: 'day', type: logical('int', 'date') },
    { name: 'price', type: { type: 'bytes', logicalType: 'decimal', precision: 30, scale: 2 } },
    { name: 'id', type: { type: 'fixed', name: 'U', size: 16, logicalType: 'uuid' } },
    { name: 'kind', type: { type: 'enum', name: 'K', symbols: ['A', 'B'] } },
    { name: 'several', type: ['long', 'string', 'null'] },
  ],
};

test('the types within a column are those of columns', () => {
  expect(nestedTypeOf({ type: 'map', values: ['null', { type: 'array', items: place }] })).toEqual({
    type: 'map',
    keyType: 'string',
    valueType: {
      type: 'array',
      elementType: {
        type: 'struct',
        fields: [
          { name: 'seen', type: 'timestamp', nullable: true },
          { name: 'day', type: 'date', nullable: true },
          { name: 'price', type: 'decimal(30,2)', nullable: true },
          { name: 'id', type: 'string', nullable: true },
          { name: 'kind', type: 'string', nullable: true },
          { name: 'several', type: 'string', nullable: true },
        ],
      },
      containsNull: true,
    },
    valueContainsNull: true,
  });
});

test.each([
  ['contains itself', { ...recordOf({ name: 'next', type: ['null', 'R'] }) }],
  ['has no fields', { type: 'record', name: 'E', fields: [] }],
  [
    'has names that differ only in case',
    { ...recordOf(...['a', 'A'].map((name) => ({ name, type: 'int' }))), name: 'C' },
  ],
])('a record that %s stays text, and what it is in', (_, type) => {
  const isNested = (schema: unknown) => nestedColumnType(avroType(schema) as never) !== undefined;
  expect(isNested(type)).toBe(false);
  expect(isNested({ type: 'array', items: type })).toBe(false);
});

test('a type of too many leaves stays text: each of them takes memory in every file', () => {
  /** A record with two fields of a record with two fields …, the innermost of which is a long. */
  const doubled = (depth: number): unknown => ({
    ...{ type: 'record', name: `R${depth}` },
    fields: [
      { name: 'a', type: depth === 0 ? 'long' : doubled(depth - 1) },
      { name: 'b', type: depth === 0 ? 'long' : `R${depth - 1}` },
    ],
  });
  expect(typeof nestedTypeOf(doubled(8))).toBe('object');
  expect(nestedTypeOf(doubled(10))).toBeUndefined();
  expect(nestedTypeOf(doubled(18))).toBeUndefined();
});

test('values of logical types are stored as in flat columns', () => {
  const schema = oneField({ type: 'array', items: ['null', place] });
  const bytes = Buffer.concat([
    // One block of two items: a null, and a place.
    Buffer.of(4, 0, 2),
    Buffer.of(2, 1),
    Buffer.of(2),
    Buffer.of(26),
    unscaledBytes(-(10n ** 29n), 13),
    Buffer.from('0123456789abcdef0123456789abcdef', 'hex'),
    Buffer.of(2),
    // The first of several types: the least long.
    Buffer.of(0, ...Array<number>(9).fill(0xff), 1),
    Buffer.of(0),
  ]);
  expect(decoded(schema, schema, [bytes])).toEqual([
    [
      null,
      {
        seen: -1_000,
        day: 1,
        price: -(10n ** 29n),
        id: '01234567-89ab-cdef-0123-456789abcdef',
        kind: 'B',
        several: '-9223372036854775808',
      },
    ],
  ]);
});

test('of several types within a column, texts are JSON too: those of the others could be the same', () => {
  const union = ['null', 'long', 'string'];
  const schema = oneField({ type: 'array', items: union });
  const bytes = typeOf(schema).toBuffer({ f: [5, '5', null, 'null', ''] });
  expect(decoded(schema, schema, [bytes])).toEqual([['5', '"5"', null, '"null"', '""']]);
});

test('nulls, empty arrays and maps, and blocks with their size', () => {
  const schema = oneField(['null', { type: 'map', values: ['null', { type: 'array', items: 'long' }] }]);
  const records = [
    Buffer.of(0),
    Buffer.of(2, 0),
    // Two blocks, of which the first has its size in front: a → null, b → [], c → [1, 2].
    Buffer.of(2, 3, 14, 2, 97, 0, 2, 98, 2, 0, 2, 2, 99, 2, 2, 2, 2, 4, 0, 0),
  ];
  expect(decoded(schema, schema, records)).toEqual([
    null,
    [],
    [
      { key: 'a', value: null },
      { key: 'b', value: [] },
      { key: 'c', value: [1, 2] },
    ],
  ]);
});

test('of the values of a repeated key, the last one is kept', () => {
  const schema = oneField({ type: 'map', values: 'long' });
  const bytes = Buffer.of(6, 2, 97, 2, 2, 98, 4, 2, 97, 6, 0);
  expect(decoded(schema, schema, [bytes])).toEqual([
    [
      { key: 'a', value: 3 },
      { key: 'b', value: 2 },
    ],
  ]);
});

describe('an invalid record leaves nothing behind', () => {
  const schema = recordOf(
    { name: 'f', type: { type: 'array', items: 'string' } },
    { name: 'after', type: 'boolean' },
  );
  const good = Buffer.of(2, 2, 97, 0, 1);

  test.each([
    ['within the value', Buffer.of(4, 2, 97, 8, 97)],
    ['after the value', Buffer.of(4, 2, 97, 2, 98, 0)],
  ])('%s', (_, bad) => {
    expect(decoded(schema, schema, [good, bad, good, bad, good])).toEqual([
      ['a'],
      undefined,
      ['a'],
      undefined,
      ['a'],
    ]);
  });
});

test('a decimal with more digits than its type is invalid', () => {
  const schema = oneField({
    ...{ type: 'array', items: { type: 'bytes', logicalType: 'decimal', precision: 2, scale: 0 } },
  });
  expect(decoded(schema, schema, [Buffer.of(2, 2, 99, 0), Buffer.of(2, 2, 100, 0)])).toEqual([
    [99],
    undefined,
  ]);
});

test('another version of a record is resolved: defaults, promotions and times in another unit', () => {
  const item = (...fields: unknown[]) => ({ type: 'array', items: { ...recordOf(...fields), name: 'I' } });
  const writer = oneField(
    item({ name: 'n', type: 'int' }, { name: 't', type: logical('long', 'timestamp-micros') }),
  );
  const reader = recordOf({
    name: 'f',
    type: item(
      { name: 't', type: logical('long', 'timestamp-millis') },
      { name: 'n', type: 'long' },
      { name: 'more', type: 'string', default: 'x' },
    ),
  });
  const bytes = typeOf(writer).toBuffer({ f: [{ n: 7, t: 5_000 }] });
  expect(decoded(writer, reader, [bytes])).toEqual([[{ t: 5_000, n: 7, more: 'x' }]]);
});

test.each([
  [null, null],
  [{ a: [1] }, [{ key: 'a', value: [1] }]],
])('a field that the writer lacks has its default, %j', (value, expected) => {
  const map = { type: 'map', values: { type: 'array', items: 'int' } };
  const reader = recordOf(
    { name: 'g', type: 'int' },
    { name: 'f', type: value === null ? ['null', map] : map, default: value },
  );
  const bytes = Buffer.of(2);
  expect(decoded(recordOf({ name: 'g', type: 'int' }), reader, [bytes, bytes])).toEqual([expected, expected]);
});
