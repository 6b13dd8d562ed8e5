import { describe, expect, it } from 'vitest';
import { tableSchemaFromAvro } from './avro-columns.ts';
import { type ColumnType, datePartition, ledgerColumns, toDeltaSchemaString } from './table-schema.ts';

const day = { type: 'int', logicalType: 'date' };
const record = (fields: unknown[]) => ({ type: 'record', name: 'R', fields });

describe('tableSchemaFromAvro', () => {
  it('maps each type to its column type', () => {
    const types: [unknown, ColumnType][] = [
      ['string', 'string'],
      ['int', 'integer'],
      ['long', 'long'],
      ['float', 'float'],
      ['double', 'double'],
      ['boolean', 'boolean'],
      ['bytes', 'binary'],
      [['null', 'string'], 'string'],
      [{ type: 'long', logicalType: 'timestamp-millis' }, 'timestamp'],
      [['null', { type: 'long', logicalType: 'timestamp-millis' }], 'timestamp'],
      [{ type: 'int', logicalType: 'date' }, 'date'],
      [{ type: 'enum', name: 'E', symbols: ['A'] }, 'string'],
      [{ type: 'fixed', name: 'F', size: 4 }, 'binary'],
      [
        { type: 'map', values: 'long' },
        { type: 'map', keyType: 'string', valueType: 'long', valueContainsNull: true },
      ],
      [['null', { type: 'array', items: day }], { type: 'array', elementType: 'date', containsNull: true }],
      [
        { ...record([{ name: 'day', type: ['null', day] }]), name: 'Within' },
        { type: 'struct', fields: [{ name: 'day', type: 'date', nullable: true }] },
      ],
      [{ ...record([{ name: 'next', type: ['null', 'Node'] }]), name: 'Node' }, 'string'],
      [['null', { type: 'array', items: 'string' }, 'string'], 'string'],
      [['null', 'long', 'string'], 'string'],
      [{ type: 'string' }, 'string'],
    ];
    const { columns } = tableSchemaFromAvro(record(types.map(([type], i) => ({ name: `f${i}`, type }))));
    expect(columns.slice(0, types.length).map(({ type }) => type)).toEqual(types.map(([, type]) => type));
    expect(columns.slice(types.length)).toEqual(ledgerColumns);
    expect(columns.slice(0, types.length).every(({ nullable }) => nullable)).toBe(true);
  });

  it.each(['_offset', 'date', 'twice'])('refuses a field named %s', (name) => {
    const fields = [
      { name: 'twice', type: 'int' },
      { name, type: 'int' },
    ];
    expect(() => tableSchemaFromAvro(record(fields))).toThrow(
      expect.objectContaining({ code: 'CONTRACT_INVALID', message: expect.stringContaining(name) }),
    );
  });

  it('refuses what is no record', () => {
    expect(() => tableSchemaFromAvro({ type: 'string' })).toThrow(
      expect.objectContaining({ code: 'CONTRACT_INVALID' }),
    );
  });
});

it('writes the schema as Delta has it, partition columns last', () => {
  const schema = { columns: [{ name: 'n', type: 'long', nullable: false }] } as const;
  expect(JSON.parse(toDeltaSchemaString(schema, [datePartition]))).toEqual({
    type: 'struct',
    fields: [
      { name: 'n', type: 'long', nullable: false, metadata: {} },
      { name: 'date', type: 'date', nullable: true, metadata: {} },
    ],
  });
});
