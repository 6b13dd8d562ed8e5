import { type AvroRecordSchema, shortestBytes } from '@windrow/contracts';
import { expect, test } from 'vitest';
import { recordReader } from './record-of-row.ts';

const micros = { type: 'long', logicalType: 'timestamp-micros' };
const schema = {
  type: 'record',
  name: 'Sample',
  fields: [
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'exact_at', type: ['null', micros] },
    { name: 'id', type: 'long' },
    { name: 'raw', type: 'bytes' },
    { name: 'tags', type: { type: 'array', items: 'string' } },
    { name: 'none', type: ['null', 'string'] },
    { name: 'price', type: { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 } },
    {
      name: 'lines',
      type: {
        type: 'array',
        items: {
          type: 'record',
          name: 'Line',
          fields: [
            { name: 'raw', type: 'bytes' },
            { name: 'count', type: ['null', 'long'] },
            { name: 'price', type: { type: 'bytes', logicalType: 'decimal', precision: 38, scale: 3 } },
          ],
        },
      },
    },
  ],
};
const toRecord = recordReader(schema as AvroRecordSchema);

test.each([
  [new Date(1_357_035_300_123), 1_357_035_300_123_000],
  [1_357_035_300_123_456n, 1_357_035_300_123_456],
  [-1n, -1],
  [253_402_300_799_999_999n, 253_402_300_799_999_999n],
])('a row has the values that avsc decodes; the time %s in the unit of its field', (exactAt, expected) => {
  const lines = '[{"raw":"eA==","count":4611686018427387904,"price":1.500}]';
  const row = {
    at: new Date(-1),
    exact_at: exactAt,
    id: 2n ** 62n,
    raw: Uint8Array.of(7),
    tags: '["a"]',
    price: -1,
    lines,
  };
  const line = { raw: Buffer.from('x'), count: 2n ** 62n, price: shortestBytes(1_500n) };
  expect(toRecord(row)).toEqual({
    ...{ at: -1, exact_at: expected, id: 2n ** 62n, raw: Buffer.of(7), tags: ['a'], none: null },
    price: Buffer.of(0xff),
    lines: [line],
  });
});

test('rows from before a field existed have its default, and null where it may be null', () => {
  const added = [
    { name: 'unit', type: 'string', default: 'm' },
    { name: 'note', type: ['string', 'null'], default: 'none' },
  ];
  const place = { type: 'record', name: 'Place', fields: [{ name: 'x', type: 'long' }, ...added] };
  const avro = { type: 'record', name: 'R', fields: [{ name: 'place', type: place }, ...added] };
  const toRecord = recordReader(avro as AvroRecordSchema);
  const defaults = { unit: 'm', note: null };
  expect(toRecord({ place: { x: 1n } })).toEqual({ place: { x: 1, ...defaults }, ...defaults });
  expect(toRecord({ place: { x: 1n, unit: null } })).toEqual({ place: { x: 1, ...defaults }, ...defaults });
});

test('a column of several types has texts as they are; within a nested column they are JSON', () => {
  const several = ['null', 'long', 'string'];
  const fields = [
    { name: 'one', type: several },
    { name: 'all', type: { type: 'array', items: several } },
  ];
  const toRecord = recordReader({ type: 'record', name: 'R', fields } as AvroRecordSchema);
  expect(toRecord({ one: 'a', all: ['"5"', '5', null] })).toEqual({ one: 'a', all: ['5', 5, null] });
});
