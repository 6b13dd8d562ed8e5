import { avroType, type EventRecord, jsonWriter } from '@windrow/contracts';
import {
  appendRecord,
  ColumnBuffers,
  createEncoder,
  type ObjectStore,
  tableSchemaFromAvro,
} from '@windrow/lake';
import { must } from '@windrow/runtime/testing';
import type { types } from 'avsc';
import { expect, test } from 'vitest';
import { readStoredRows } from '../parquet.ts';
import { nestedForm } from './nested-form.ts';

const logical = (type: string, logicalType: string, more: object = {}) => ({ type, logicalType, ...more });
const place = {
  type: 'record',
  name: 'Place',
  fields: [
    { name: 'seen', type: ['null', logical('long', 'timestamp-millis')] },
    { name: 'exactly', type: logical('long', 'timestamp-micros') },
    { name: 'day', type: logical('int', 'date') },
    { name: 'price', type: logical('bytes', 'decimal', { precision: 38, scale: 2 }) },
    { name: 'size', type: 'float' },
    { name: 'raw', type: 'bytes' },
    { name: 'count', type: 'long' },
    { name: 'several', type: ['null', 'long', 'string'] },
    { name: 'tags', type: { type: 'map', values: ['null', 'string'] } },
    { name: 'ways', type: { type: 'array', items: { type: 'array', items: 'double' } } },
  ],
};
const recordOf = (type: unknown) => ({ type: 'record', name: 'R', fields: [{ name: 'f', type }] });
const fieldType = (type: unknown) => must((avroType(recordOf(type)) as types.RecordType).fields[0]).type;

/** The value of `f` as the audit reads it from a file of the lake. */
async function inLake(type: unknown, f: unknown): Promise<unknown> {
  const { columns, record } = tableSchemaFromAvro(recordOf(type));
  const buffers = new ColumnBuffers({ columns: columns.slice(0, 1), ...(record && { record }) });
  appendRecord(buffers, { f });
  const { bytes } = await createEncoder('columnar').encode({ buffers });
  const store = { get: () => Promise.resolve(bytes), url: String } as unknown as ObjectStore;
  for await (const { nested, rows } of readStoredRows(store, 'file', ['f'])) {
    expect([...nested]).toEqual(['f']);
    return must(rows[0]).f;
  }
  return undefined;
}

const value: EventRecord = {
  ...{ seen: -1, exactly: 2n ** 62n, day: -719_162, price: Buffer.from([0xff, 0x38]), size: 0.1 },
  ...{ raw: Buffer.of(0, 255), count: -(2n ** 63n), several: '5', tags: { b: null, a: '' } },
  ways: [[], [Number.NaN, -0, 1e300]],
};
const empty: EventRecord = { ...value, seen: null, several: null, tags: {}, ways: [], raw: Buffer.alloc(0) };

test.each([
  [place, value],
  [place, empty],
  [{ type: 'array', items: ['null', place] }, [null, value, empty]],
  [{ type: 'array', items: 'string' }, []],
  [
    { type: 'map', values: 'long' },
    { b: 1, a: 2, 1: 3 },
  ],
])('a value has the same form in both stores', async (type, f) => {
  const form = nestedForm(fieldType(type));
  const json = jsonWriter(fieldType(type))(f);
  expect(form.ofLake(await inLake(type, f), {})).toBe(form.ofPostgres(json));
});

test.each([
  ['several', { several: 5 }],
  ['count', { count: 1 - 2 ** 53 }],
  ['seen', { seen: 0 }],
  ['exactly', { exactly: 2n ** 62n + 1n }],
  ['size', { size: 0.2 }],
  ['tags', { tags: { b: null } }],
  ['ways', { ways: [] }],
])('a value with another %s has another form', async (_, difference) => {
  const form = nestedForm(fieldType(place));
  const json = jsonWriter(fieldType(place))({ ...value, ...difference });
  expect(form.ofLake(await inLake(place, value), {})).not.toBe(form.ofPostgres(json));
});

const before = { type: 'record', name: 'Place', fields: [{ name: 'x', type: 'int' }] };
const after = {
  ...before,
  fields: [
    { name: 'x', type: 'int' },
    { name: 'unit', type: 'string', default: 'm' },
    { name: 'note', type: ['null', 'string'], default: null },
  ],
};

test('a row from before a field existed, and one with a field that no longer exists', async () => {
  const newer = nestedForm(fieldType(after));
  expect(newer.ofLake(await inLake(before, { x: 1 }), {})).toBe(newer.ofPostgres('{"x":1}'));
  const compacted = { x: 1, unit: null, note: null };
  expect(newer.ofLake(compacted, {})).toBe(newer.ofPostgres('{"x":1}'));
  expect(newer.ofLake(compacted, {})).not.toBe(newer.ofPostgres('{"x":1,"note":"a"}'));
  const older = nestedForm(fieldType(before));
  const row = await inLake(after, { x: 1, unit: 'km', note: 'a' });
  expect(older.ofLake(row, {})).toBe(older.ofPostgres('{"x":1,"unit":"km","note":"a"}'));
});
