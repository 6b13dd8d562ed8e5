import { must } from '@windrow/runtime/testing';
import fc from 'fast-check';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { expect, test } from 'vitest';
import { ColumnBuffers } from '../columns/column-buffers.ts';
import { isAppended } from '../columns/testing/buffers-from-batch.ts';
import type { NestedValue, TableColumn } from '../table-schema.ts';
import { createColumnarEncoder } from './columnar-encoder.ts';
import { exactRows } from './exact-rows.ts';
import { arbitraryNestedBatch } from './testing/arbitrary-nested.ts';
import { tellNested } from './testing/nested-as-json.ts';

const parsers = { timestampFromMicroseconds: (us: bigint) => us, dateFromDays: (days: number) => days };

async function fileOf(columns: readonly TableColumn[], values: readonly (readonly NestedValue[])[]) {
  const buffers = new ColumnBuffers({ columns });
  buffers.columns.forEach((column, index) => {
    if (column.kind !== 'nested') throw new TypeError('the file has only nested columns');
    for (const value of must(values[index])) {
      if (value === null) column.appendNull();
      else expect(column.append(value, isAppended)).toBe(true);
    }
  });
  return (await createColumnarEncoder().encode({ buffers })).bytes;
}

async function read(bytes: Uint8Array, range = {}): Promise<Record<string, unknown>[]> {
  const file = new Uint8Array(bytes).buffer;
  const { metadata, complete } = exactRows(parquetMetadata(file));
  const rows = await parquetReadObjects({ file, metadata, compressors, parsers, utf8: false, ...range });
  complete(rows);
  return rows;
}

test('rows have the values of any nested columns', () =>
  fc.assert(
    fc.asyncProperty(
      arbitraryNestedBatch.filter(({ values }) => must(values[0]).length > 0),
      async ({ columns, values }) => {
        const rows = await read(await fileOf(columns, values));
        columns.forEach(({ name, type }, index) => {
          const told = rows.map((row) => tellNested(type, row[name] as NestedValue));
          expect(told).toEqual(must(values[index]).map((value) => tellNested(type, value)));
        });
      },
    ),
    { seed: 20_130_115, numRuns: 100 },
  ));

test('maps keep the order of their keys', async () => {
  const type = { type: 'map', keyType: 'string', valueType: 'long', valueContainsNull: true } as const;
  const map = ['b', '2', '1', '__proto__'].map((key, index) => ({ key, value: BigInt(index) }));
  const columns = [{ name: 'm', type, nullable: true }];
  expect(await read(await fileOf(columns, [[map, [], null]]))).toEqual([{ m: map }, { m: [] }, { m: null }]);
});

test('a part of the rows of a file with many pages', async () => {
  const type = { type: 'array', elementType: 'long', containsNull: true } as const;
  const lists = Array.from({ length: 60_000 }, (_, row) =>
    row % 3 === 0 ? null : Array.from({ length: row % 3 }, (__, item) => BigInt(row + item)),
  );
  const bytes = await fileOf([{ name: 'l', type, nullable: true }], [lists]);
  const rows = await read(bytes, { rowStart: 29_990, rowEnd: 50_005, useOffsetIndex: true });
  expect(rows).toEqual(lists.slice(29_990, 50_005).map((l) => ({ l })));
});
