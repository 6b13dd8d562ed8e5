import {
  type AvroRecordSchema,
  avroType,
  type EventRecord,
  parseInput,
  type StreamContract,
  unscaledBytes,
} from '@windrow/contracts';
import {
  appendRecord,
  ColumnBuffers,
  createEncoder,
  type ObjectStore,
  recordReader,
  type TableSchema,
  tableSchemaFromAvro,
  withTextColumns,
} from '@windrow/lake';
import { typeMatrix } from '@windrow/lake/testing';
import { must } from '@windrow/runtime/testing';
import type { types } from 'avsc';
import { describe, expect, test } from 'vitest';
import { readRows } from '../parquet.ts';

const recordOf = (type: unknown) =>
  ({ type: 'record', name: 'R', fields: [{ name: 'f', type }] }) as AvroRecordSchema;

/** The records that a replay reads from a table that they were written to, a file for each schema. */
async function throughTheLake(avro: AvroRecordSchema, ...records: EventRecord[]): Promise<EventRecord[]> {
  return readBack(avro, tableSchemaFromAvro(avro), records);
}

async function readBack(
  avro: AvroRecordSchema,
  table: TableSchema,
  records: readonly EventRecord[],
): Promise<EventRecord[]> {
  const { record, columns } = table;
  const fields = { columns: columns.slice(0, must(record).fields.length), record: must(record) };
  const buffers = new ColumnBuffers(fields);
  for (const each of records) appendRecord(buffers, each);
  const { bytes } = await createEncoder('columnar').encode({ buffers });
  const store = { get: () => Promise.resolve(bytes), url: String } as unknown as ObjectStore;
  const names = avro.fields.map(({ name }) => name);
  const toRecord = recordReader(avro);
  const read: EventRecord[] = [];
  for await (const rows of readRows(store, 'file', names)) read.push(...rows.map(toRecord));
  return read;
}

/** A record as avsc decodes it. */
function decoded(avro: AvroRecordSchema, record: EventRecord): EventRecord {
  const type = avroType(avro) as types.RecordType;
  return { ...(type.fromBuffer(type.toBuffer(record)) as EventRecord) };
}

function parsed(schema: unknown, f: unknown): EventRecord {
  const contract = {
    ...{ id: [], schema: recordOf(schema), parse: (input: EventRecord) => input },
  } as unknown as StreamContract;
  const result = parseInput(contract, { f }, { kind: 'file' });
  if (!result.ok) throw new TypeError(result.message);
  return result.record;
}

const logical = (type: string, logicalType: string, more: object = {}) => ({ type, logicalType, ...more });
const place = {
  type: 'record',
  name: 'Place',
  fields: [
    { name: 'text', type: ['null', 'string'] },
    { name: 'raw', type: 'bytes' },
    { name: 'day', type: logical('int', 'date') },
    { name: 'at', type: logical('long', 'timestamp-millis') },
    { name: 'exactly', type: logical('long', 'timestamp-micros') },
    { name: 'price', type: logical('bytes', 'decimal', { precision: 38, scale: 38 }) },
    { name: 'size', type: 'float' },
    { name: 'several', type: ['null', 'long', 'string'] },
    { name: 'tags', type: { type: 'map', values: ['null', { type: 'array', items: 'double' }] } },
  ],
};
const least = {
  ...{ text: '\ufeff', raw: Buffer.of(0xff), day: -(2 ** 31), at: -9_223_372_036_854_775n },
  ...{ exactly: -(2n ** 63n), price: unscaledBytes(1n - 10n ** 38n, 16), size: -0, several: -(2n ** 63n) },
  tags: { b: [Number.NEGATIVE_INFINITY, -0], 2: null, 1: [] },
};
const most = {
  ...{ text: '', raw: Buffer.alloc(0), day: 2 ** 31 - 1, at: 9_223_372_036_854_775n },
  ...{ exactly: 2n ** 63n - 1n, price: unscaledBytes(10n ** 38n - 1n, 16), size: 0.5, several: '5' },
  tags: {},
};

describe.each([
  ['nested', (schema: TableSchema) => schema],
  ['JSON text, as in tables of older versions', withTextColumns],
])('of a table with %s', (_, tableOf) => {
  test.each([
    ['a list', { type: 'array', items: ['null', place] }, [[], [null], [least, null, most]]],
    ['a map', { type: 'map', values: place }, [{}, { b: least, a: most }]],
    ['a record', place, [least, most, { ...most, text: null, several: null }]],
  ])('%s is the same after a replay has read it', async (__, type, values) => {
    const avro = recordOf(['null', type]);
    const records = [{ f: null }, ...values.map((f) => ({ f }))];
    const read = await readBack(avro, tableOf(tableSchemaFromAvro(avro)), records);
    expect(read).toEqual(records.map((record) => decoded(avro, record)));
  });
});

describe.each(typeMatrix)('$avro', ({ schema, values }) => {
  test.each(values)('%s is the same record after a replay has read it', async (input) => {
    const avro = recordOf(['null', schema]);
    const record = parsed(['null', schema], input);
    expect(await throughTheLake(avro, record, { f: null })).toEqual([decoded(avro, record), { f: null }]);
  });
});

test.each([
  ['a text that begins with U+FEFF', 'string', '\ufeffx'],
  ['bytes that are no text', 'bytes', Buffer.of(0xff, 0xfe, 0)],
  ['the least date', { type: 'int', logicalType: 'date' }, -(2 ** 31)],
  ['the greatest date', { type: 'int', logicalType: 'date' }, 2 ** 31 - 1],
  ['the greatest milliseconds', { type: 'long', logicalType: 'timestamp-millis' }, 9_223_372_036_854_775n],
  ['the least milliseconds', { type: 'long', logicalType: 'timestamp-millis' }, -9_223_372_036_854_775n],
  ['the least microseconds', { type: 'long', logicalType: 'timestamp-micros' }, -(2n ** 63n)],
])('%s is the same after a replay has read it', async (_, type, f) => {
  const avro = recordOf(type);
  expect(await throughTheLake(avro, { f })).toEqual([decoded(avro, { f })]);
});
