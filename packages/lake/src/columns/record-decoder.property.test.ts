import { avroType, type EventRecord, jsonWriter } from '@windrow/contracts';
import { must } from '@windrow/runtime/testing';
import type { Resolver, Type, types } from 'avsc';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { tableSchemaFromAvro } from '../avro-columns.ts';
import { withTextColumns } from '../delta/stored-schema.ts';
import {
  type ColumnType,
  type ColumnValue,
  ledgerColumns,
  type NestedValue,
  type TableSchema,
} from '../table-schema.ts';
import { ColumnBuffers } from './column-buffers.ts';
import { createRecordDecoder } from './create-record-decoder.ts';
import { onlyBranch } from './nested-type.ts';
import { type Schema, SchemaDraw } from './testing/drawn-schema.ts';
import { drawnValue } from './testing/drawn-value.ts';
import { nestedValueAt } from './testing/nested-value-at.ts';
import { isStrictly } from './testing/strict-reader.ts';

const typeOf = (schema: Schema): Type => avroType(schema);

/** The values that the lake stores for a record as avsc decodes it; undefined if avsc fails. */
function rowByAvsc(
  reader: types.RecordType,
  resolver: Resolver | undefined,
  bytes: Buffer,
  schema: TableSchema,
) {
  try {
    const { offset, value } = reader.decode(bytes, 0, resolver);
    if (offset !== bytes.length) return undefined;
    const columns = schema.columns.slice(0, -ledgerColumns.length);
    return columns.map(({ name, type }, index) =>
      columnValueOf(value[name], type, must(reader.fields[index]).type),
    );
  } catch {
    return undefined;
  }
}

function cellOf(value: unknown, column: string, type: Type): ColumnValue {
  if (value === null || value === undefined) return null;
  if (column === 'string')
    return typeof value === 'string' ? value.toWellFormed() : jsonWriter(type)(value).toWellFormed();
  if (column === 'float') return Math.fround(value as number);
  return Buffer.isBuffer(value) ? new Uint8Array(value) : (value as ColumnValue);
}

/**
 * The value of a column, which may be nested. Nested values are those of the reader's schema: avsc doesn't round an integer that is
 * read as a float, and fails to encode maps with the key `__proto__`.
 */
function columnValueOf(value: unknown, column: ColumnType, type: Type): NestedValue {
  if (typeof column === 'string') return cellOf(value, column, type);
  return nestedCellOf(type.fromBuffer(type.toBuffer(value)), column, type);
}

/** A value within a nested column, of which those of several types are always JSON. */
function nestedCellOf(value: unknown, column: ColumnType, type: Type): NestedValue {
  if (typeof column === 'string') {
    const isText = typeof value === 'string' && onlyBranch(type) === undefined;
    return isText ? jsonWriter(type)(value).toWellFormed() : cellOf(value, column, type);
  }
  if (value === null) return null;
  const present = must(onlyBranch(type));
  switch (column.type) {
    case 'struct':
      return Object.fromEntries(
        (present as types.RecordType).fields.map((field, index) => [
          field.name,
          nestedCellOf((value as EventRecord)[field.name], must(column.fields[index]).type, field.type),
        ]),
      );
    case 'array': {
      const { itemsType } = present as types.ArrayType;
      return (value as unknown[]).map((item) => nestedCellOf(item, column.elementType, itemsType));
    }
    case 'map': {
      const { valuesType } = present as types.MapType;
      return Object.entries(value as object)
        .map(([key, item]) => ({ key, value: nestedCellOf(item, column.valueType, valuesType) }))
        .sort(byKey);
    }
  }
}

const byKey = (a: { key: string }, b: { key: string }) => (a.key < b.key ? -1 : 1);

/** With the entries of maps sorted: objects have whole numbers first. */
function sorted(value: NestedValue): NestedValue {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  if (!Array.isArray(value))
    return Object.fromEntries(
      Object.entries(value).map(([name, field]) => [name, sorted(field as NestedValue)]),
    );
  const items = value.map((item) => sorted(item as NestedValue));
  const isMap = items.some((item) => typeof item === 'object' && item !== null && 'key' in item);
  return isMap ? (items as { key: string; value: NestedValue }[]).sort(byKey) : items;
}

function mutated(draw: SchemaDraw, bytes: Buffer): Buffer {
  const at = draw.upTo(Math.max(0, bytes.length - 1));
  const byte = draw.oneOf([0, 1, 2, 3, 4, 0x7f, 0x80, 0xff, draw.upTo(255)]);
  switch (draw.upTo(4)) {
    case 0:
      return bytes.subarray(0, at);
    case 1:
      return Buffer.concat([bytes, Buffer.of(byte)]);
    case 2:
      return Buffer.concat([bytes.subarray(0, at), Buffer.of(byte), bytes.subarray(at)]);
    case 3:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]);
    default:
      return Buffer.concat([bytes.subarray(0, at), Buffer.of(byte), bytes.subarray(at + 1)]);
  }
}

/** Counts the cases that the runs have covered, so that a generator that never draws a case is noticed. */
const met = { rows: 0, invalid: 0, incompatible: 0, evolved: 0, mutatedValid: 0, nested: 0 };

function compare(draw: SchemaDraw, writerSchema: Schema, readerSchema: Schema, isNested: boolean): void {
  let writer: Type;
  let reader: types.RecordType;
  try {
    writer = typeOf(writerSchema);
    reader = typeOf(readerSchema) as types.RecordType;
  } catch {
    return;
  }
  const isSame = writer.fingerprint().equals(reader.fingerprint());
  const nestedSchema = tableSchemaFromAvro(readerSchema);
  const schema = isNested ? nestedSchema : withTextColumns(nestedSchema);
  met.nested += schema.columns.filter(({ type }) => typeof type === 'object').length;
  let resolver: Resolver | undefined;
  try {
    resolver = isSame ? undefined : reader.createResolver(writer);
  } catch {
    met.incompatible++;
    expect(() => createRecordDecoder(writer, reader, schema)).toThrow(/can't be resolved to/);
    return;
  }
  if (!isSame) met.evolved++;
  const decoder = createRecordDecoder(writer, reader, schema);
  expect(decoder.fallbackReason).toBeUndefined();

  const records: { bytes: Buffer; isMutated: boolean }[] = [];
  for (let count = draw.upTo(6); count >= 0; count--) {
    const bytes = writer.toBuffer(drawnValue(draw, writer));
    const isMutated = draw.chance(40);
    records.push({ bytes: isMutated ? mutated(draw, bytes) : bytes, isMutated });
  }
  const gap = Buffer.alloc(draw.upTo(3), draw.oneOf([0, 2, 0xff]));
  const source = Buffer.concat(records.flatMap(({ bytes }) => [gap, bytes]));
  const starts = new Int32Array(records.length);
  const ends = new Int32Array(records.length);
  let at = 0;
  for (const [index, { bytes }] of records.entries()) {
    starts[index] = at + gap.length;
    at = ends[index] = at + gap.length + bytes.length;
  }

  const columns = new ColumnBuffers(schema);
  const valid: number[] = [];
  for (let from = 0; from < records.length; ) {
    const next = decoder.decode(source, starts, ends, from, records.length, columns);
    for (let index = from; index < next; index++) valid.push(index);
    from = next + 1;
  }
  for (const [index, { bytes, isMutated }] of records.entries()) {
    const row = valid.indexOf(index);
    const isStrict = isStrictly(writer, bytes);
    if (row < 0) {
      met.invalid++;
      if (!isStrict) continue;
      // Only data that violates the specification may be rejected if avsc accepts it. (Some of it would keep avsc busy for
      // days.)
      expect(rowByAvsc(reader, resolver, bytes, schema)).toBeUndefined();
      continue;
    }
    const expected = rowByAvsc(reader, resolver, bytes, schema);
    expect(expected).toBeDefined();
    met.rows++;
    if (isMutated) met.mutatedValid++;
    // Longs that avsc may not read exactly.
    if (!isStrict) continue;
    // avsc loses map entries with this key.
    if (isNested && bytes.includes('__proto__')) continue;
    const stored = columns.columns
      .slice(0, must(expected).length)
      .map((column, index) =>
        column.kind === 'nested' ? sorted(nestedValueAt(column, row)) : columns.valueAt(index, row),
      );
    expect(stored).toEqual(expected);
  }
}

describe.each([
  ['text', false],
  ['nested columns', true],
])('generated decoders, of %s, and avsc', (_, isNested) => {
  test('agree on records of any schema, whole and broken', () => {
    fc.assert(
      fc.property(fc.gen(), (g) => {
        const draw = new SchemaDraw(g);
        const schema = draw.record();
        compare(draw, schema, schema, isNested);
      }),
      { numRuns: 200 },
    );
  });

  test('agree on records of any schema, read by a later version of it', () => {
    fc.assert(
      fc.property(fc.gen(), (g) => {
        const draw = new SchemaDraw(g);
        const schema = draw.record();
        compare(draw, schema, draw.evolvedRecord(schema as never), isNested);
      }),
      { numRuns: 500 },
    );
    if (isNested) expect(met.nested).toBeGreaterThan(50);
    expect(Math.min(met.rows, met.evolved, met.invalid, met.mutatedValid, met.incompatible)).toBeGreaterThan(
      50,
    );
  });
});
