import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ColumnBuffers } from '../columns/column-buffers.ts';
import { MergedRows } from '../columns/merged-rows.ts';
import { isAppended } from '../columns/testing/buffers-from-batch.ts';
import { assertSchemaHolds } from '../maintenance/restore-schema.ts';
import { tableColumns } from '../maintenance/table-columns.ts';
import { createColumnarEncoder } from '../parquet/columnar-encoder.ts';
import { arbitraryNestedBatch } from '../parquet/testing/arbitrary-nested.ts';
import { datePartition, type StructType, type TableColumn, toDeltaSchemaString } from '../table-schema.ts';
import type { MetaData } from './actions.ts';
import { withNewColumns } from './schema-evolution.ts';

const metaDataOf = (columns: readonly TableColumn[]): MetaData => ({
  id: 'an id',
  format: { provider: 'parquet', options: {} },
  schemaString: toDeltaSchemaString({ columns }, [datePartition]),
  partitionColumns: ['date'],
  configuration: {},
});

const struct = (...fields: [name: string, type: TableColumn['type']][]): StructType => ({
  type: 'struct',
  fields: fields.map(([name, type]) => ({ name, type, nullable: true })),
});
const column = (type: TableColumn['type']): TableColumn => ({ name: 'place', type, nullable: true });
const arrayOf = (elementType: TableColumn['type'], containsNull = true): TableColumn['type'] => ({
  ...{ type: 'array', elementType, containsNull },
});
const mapOf = (valueType: TableColumn['type']): TableColumn['type'] => ({
  ...{ type: 'map', keyType: 'string', valueType, valueContainsNull: true },
});

const small = struct(['a', 'long']);
const grown = struct(['a', 'long'], ['b', struct(['c', 'string'])]);

test('the columns of any table are in its schema string', () => {
  fc.assert(
    fc.property(arbitraryNestedBatch, ({ columns }) => {
      expect(tableColumns(metaDataOf(columns), 't')).toEqual({ columns });
      expect(withNewColumns(metaDataOf(columns), { columns }, 't')).toBeUndefined();
    }),
  );
});

describe.each([
  ['a struct', (type: StructType) => type],
  ['the structs of an array', arrayOf],
  ['the structs of a map', mapOf],
])('%s', (_, within) => {
  const before = [column(within(small))];
  const after = [column(within(grown))];

  test('gets a new field, and keeps one that only the table has', () => {
    expect(withNewColumns(metaDataOf(before), { columns: after }, 't')).toEqual(metaDataOf(after));
    expect(withNewColumns(metaDataOf(after), { columns: before }, 't')).toBeUndefined();
  });

  test("can't become another type", () => {
    const other = [column(within(struct(['a', 'string'])))];
    expect(() => withNewColumns(metaDataOf(before), { columns: other }, 't')).toThrow(
      /^column place of table t is .*"long".* and can't become .*"string"/,
    );
    expect(() => withNewColumns(metaDataOf([column('string')]), { columns: before }, 't')).toThrow(
      /^column place of table t is "string" and can't become \{/,
    );
  });

  test('can be restored as it was before it got a field, but not after it lost one', () => {
    expect(() => assertSchemaHolds(metaDataOf(before), metaDataOf(after), 't', 1)).not.toThrow();
    expect(() => assertSchemaHolds(metaDataOf(after), metaDataOf(before), 't', 1)).toThrow(/place/);
    expect(() => assertSchemaHolds(metaDataOf(before), metaDataOf([]), 't', 1)).toThrow(/place/);
  });
});

test('rows of files from before a struct had a field have null there', async () => {
  const old = new ColumnBuffers({ columns: [column(arrayOf(small))] });
  const [values] = old.columns;
  if (values?.kind !== 'nested') throw new TypeError('the column is not nested');
  values.append([{ a: 1 }, null, { a: null }], isAppended);
  values.append([], isAppended);
  const { bytes } = await createColumnarEncoder().encode({ buffers: old });
  const merged = new MergedRows({ columns: [column(arrayOf(grown))] });
  await merged.add(bytes, 'old', async () => {});
  const [rewritten] = merged.inOrderOf([]).buffers.columns;
  if (rewritten?.kind !== 'nested') throw new TypeError('the column is not nested');
  const levels = rewritten.leaves.map(({ definition, values: { rows } }) => [
    ...definition.subarray(0, rows),
  ]);
  // Null array 0, empty array 1, null struct 2, null field 3.
  expect(levels).toEqual([
    [4, 2, 3, 1],
    [3, 2, 3, 1],
  ]);
});

test('a type that allows null, and a field of a struct that the table lacks', async () => {
  const strict = metaDataOf([column(arrayOf('long', false))]);
  expect(() => withNewColumns(strict, { columns: [column(arrayOf('long'))] }, 't')).toThrow(/can't become/);
  const rows = new ColumnBuffers({ columns: [column(grown)] });
  const [values] = rows.columns;
  if (values?.kind === 'nested') values.append({ a: 1, b: null }, isAppended);
  const { bytes } = await createColumnarEncoder().encode({ buffers: rows });
  const merged = new MergedRows({ columns: [column(small)] });
  await expect(merged.add(bytes, 'the file', async () => {})).rejects.toThrow(
    "the file can't be rewritten: the table has no field b",
  );
});
