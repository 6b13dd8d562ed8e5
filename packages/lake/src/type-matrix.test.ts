import {
  type AvroRecordSchema,
  avroType,
  columnFault,
  type EventRecord,
  parseInput,
  type StreamContract,
  typeFaults,
} from '@windrow/contracts';
import { describe, expect, test } from 'vitest';
import { tableSchemaFromAvro } from './avro-columns.ts';
import { appendRecord, recordFault } from './columns/append-record.ts';
import { ColumnBuffers } from './columns/column-buffers.ts';
import { nestedValueAt } from './columns/testing/nested-value-at.ts';
import { typeMatrix } from './testing/type-matrix.ts';

const recordOf = (type: unknown) =>
  ({ type: 'record', name: 'R', fields: [{ name: 'f', type }] }) as AvroRecordSchema;

const read = (schema: unknown, f: unknown) => {
  const contract = {
    id: [],
    schema: recordOf(schema),
    parse: (input: EventRecord) => input,
  } as unknown as StreamContract;
  return parseInput(contract, { f }, { kind: 'file' });
};

/** A record's value as its column has it. */
function stored(schema: unknown, record: EventRecord): unknown {
  const columns = new ColumnBuffers(tableSchemaFromAvro(recordOf(schema)));
  appendRecord(columns, record);
  const [column] = columns.columns;
  return column?.kind === 'nested' ? nestedValueAt(column, 0) : columns.valueAt(0, 0);
}

describe.each(typeMatrix)('$avro', ({ lake, postgres, rejected = [], schema, values }) => {
  test.each(values)('the input %s is stored as %s, also in a union with null', (input, expected) => {
    for (const type of [schema, ['null', schema]]) {
      const result = read(type, input);
      expect(result).toMatchObject({ ok: true });
      if (result.ok) expect(stored(type, result.record)).toEqual(expected);
    }
    expect(stored(['null', schema], { f: null })).toBeNull();
  });

  test('has its column types, and no other Postgres type takes it', () => {
    const record = avroType(recordOf(schema));
    expect(tableSchemaFromAvro(recordOf(schema)).columns[0]?.type).toEqual(lake);
    for (const type of postgres) expect(columnFault(type, record, 'f')).toBeUndefined();
    const fitting = typeMatrix
      .flatMap((other) => other.postgres)
      .filter((type) => columnFault(type, record, 'f') === undefined);
    expect(new Set(fitting)).toEqual(new Set(postgres));
  });

  if (rejected.length > 0)
    test.each(rejected)('the input %s is rejected: %s', (input, reason) => {
      expect(read(schema, input)).toMatchObject({ ok: false, reason: `f_${reason}` });
    });
});

test.each([
  [{ type: 'fixed', name: 'D', size: 12, logicalType: 'duration' }, /^f is a duration/],
  [
    { type: 'array', items: { type: 'bytes', logicalType: 'decimal', precision: 39 } },
    /^f\[\] is a decimal of 39/,
  ],
])('what the lake cannot hold is refused with the place and the way out', (type, message) => {
  const [field] = (avroType(recordOf(type)) as { fields?: { type: never }[] }).fields ?? [];
  expect(typeFaults(field?.type as never, 'f')).toEqual([expect.stringMatching(message)]);
  expect(() => tableSchemaFromAvro(recordOf(type))).toThrow(message);
});

test('a decimal with more digits than its type is no row, with the field named', () => {
  const type = { type: 'bytes', logicalType: 'decimal', precision: 4, scale: 2 };
  const schema = tableSchemaFromAvro(recordOf(type));
  expect(recordFault(schema, { f: Buffer.from([0x27, 0x0f]) })).toBeUndefined();
  expect(recordFault(schema, { f: Buffer.from([0x27, 0x10]) })).toMatch(/^f has a value/);
});
