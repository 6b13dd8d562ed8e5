import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { must } from '@windrow/runtime/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runReader } from '../../../../tests/readers/python.ts';
import { ColumnBuffers } from '../columns/column-buffers.ts';
import { MergedRows } from '../columns/merged-rows.ts';
import { isAppended } from '../columns/testing/buffers-from-batch.ts';
import type { NestedValue, TableColumn } from '../table-schema.ts';
import { createColumnarEncoder } from './columnar-encoder.ts';
import { createEncoder } from './encoders.ts';
import type { EncodedFile, FileRows } from './parquet-encoder.ts';
import { arbitraryNestedBatch, type NestedBatch } from './testing/arbitrary-nested.ts';
import { type NestedJson, tellNested } from './testing/nested-as-json.ts';

const encoder = createColumnarEncoder();
const seeds = { seed: 20_130_115, numRuns: 60 };

function rowsOf({ columns, values }: NestedBatch, order?: Uint32Array): FileRows {
  const buffers = new ColumnBuffers({ columns });
  buffers.columns.forEach((column, index) => {
    if (column.kind !== 'nested') throw new TypeError('the batch has only nested columns');
    for (const value of must(values[index])) {
      if (value === null) column.appendNull();
      else expect(column.append(value, isAppended)).toBe(true);
    }
  });
  return { buffers, ...(order && { order }) };
}

function told({ columns, values }: NestedBatch): Record<string, NestedJson[]> {
  return Object.fromEntries(
    columns.map(({ name, type }, index) => [
      name,
      must(values[index]).map((value) => tellNested(type, value)),
    ]),
  );
}

type Read = Record<string, Record<'pyarrow' | 'duckdb' | 'deltaRs', Record<string, NestedJson[]>>>;

describe('nested columns', () => {
  const batches = fc.sample(arbitraryNestedBatch, seeds);
  let folder: string;
  let read: Read;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'windrow-nested-'));
    for (const [index, batch] of batches.entries())
      await writeFile(join(folder, `${index}.parquet`), (await encoder.encode(rowsOf(batch))).bytes);
    const paths = batches.map((_, index) => join(folder, `${index}.parquet`));
    read = (await runReader('read-nested.py', paths)) as Read;
  }, 240_000);
  afterAll(() => rm(folder, { recursive: true }));

  it.each(['pyarrow', 'duckdb', 'deltaRs'] as const)('are read back by %s', (reader) => {
    batches.forEach((batch, index) => {
      const file = must(read[join(folder, `${index}.parquet`)]);
      expect(file[reader], JSON.stringify(batch.columns)).toEqual(told(batch));
    });
  });

  it('are the same after their files were merged', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryNestedBatch, async (batch) => {
        const merged = new MergedRows({ columns: batch.columns });
        const { bytes } = await encoder.encode(rowsOf(batch));
        await merged.add(bytes, 'a', async () => {});
        await merged.add(bytes, 'b', async () => {});
        const twice = { ...batch, values: batch.values.map((all) => [...all, ...all]) };
        expect(levelsOf(merged.inOrderOf([]))).toEqual(levelsOf(rowsOf(twice)));
      }),
      seeds,
    );
  });
});

describe('a file with several row groups and pages of nested columns', () => {
  const rowCount = 150_000;
  const columns: TableColumn[] = [
    { name: 'id', type: 'long', nullable: false },
    {
      name: 'place',
      type: {
        type: 'struct',
        fields: [
          { name: 'height', type: 'double', nullable: true },
          {
            name: 'code',
            type: { type: 'struct', fields: [{ name: 'text', type: 'string', nullable: true }] },
            nullable: false,
          },
        ],
      },
      nullable: true,
    },
    {
      name: 'items',
      type: {
        type: 'array',
        elementType: {
          type: 'struct',
          fields: [
            { name: 'n', type: 'long', nullable: false },
            { name: 't', type: 'string', nullable: true },
          ],
        },
        containsNull: false,
      },
      nullable: true,
    },
  ];
  const placeOf = (id: number): NestedValue =>
    id % 3 === 0 ? null : { height: id % 4 === 0 ? null : id / 8, code: { text: `code ${id % 10}` } };
  const itemsOf = (id: number): NestedValue =>
    id % 7 === 0
      ? null
      : Array.from({ length: id % 5 }, (_, i) => ({ n: id + i, t: i === 2 ? null : `text ${i}` }));
  const expected = {
    place: `CASE WHEN id % 3 = 0 THEN NULL ELSE
      {'height': CASE WHEN id % 4 = 0 THEN NULL ELSE id / 8 END, 'code': {'text': 'code ' || id % 10}} END`,
    items: `CASE WHEN id % 7 = 0 THEN NULL ELSE
      [{'n': id + i, 't': CASE WHEN i = 2 THEN NULL ELSE 'text ' || i END} for i in range(id % 5)] END`,
  };
  const asked = [
    ['id >= 40000 AND id < 40003', (id: number) => id >= 40_000 && id < 40_003],
    ['id = 149999', (id: number) => id === 149_999],
    ["place['height'] > 18000", (id: number) => id % 3 !== 0 && id % 4 !== 0 && id / 8 > 18_000],
    ["place['height'] IS NULL", (id: number) => id % 3 === 0 || id % 4 === 0],
  ] as const;
  let file: EncodedFile;
  let seen: {
    answers: Record<string, Record<string, [number, number]>>;
    differing: Record<string, Record<string, number>>;
    chunks: Record<string, { offsetIndex: boolean; columnIndex: boolean }>[];
  };
  beforeAll(async () => {
    const buffers = new ColumnBuffers({ columns });
    const [ids, places, items] = buffers.columns;
    for (let id = rowCount - 1; id >= 0; id--) {
      if (ids?.kind === 'int64') ids.append(id);
      for (const [column, value] of [
        [places, placeOf(id)],
        [items, itemsOf(id)],
      ] as const) {
        if (value === null) column?.appendNull();
        else if (column?.kind === 'nested') column.append(value, isAppended);
      }
    }
    const order = Uint32Array.from({ length: rowCount }, (_, at) => rowCount - 1 - at);
    file = await encoder.encode({ buffers, order });
    const folder = await mkdtemp(join(tmpdir(), 'windrow-nested-'));
    await writeFile(join(folder, 'rows.parquet'), file.bytes);
    const questions = { sum: 'array_length(items)', predicates: asked.map(([sql]) => sql), expected };
    const args = [join(folder, 'rows.parquet'), JSON.stringify(questions)];
    seen = (await runReader('filter-parquet.py', args)) as typeof seen;
    await rm(folder, { recursive: true });
  }, 240_000);

  it('has the same values for every reader', () => {
    const none = { place: 0, items: 0 };
    expect(seen.differing).toEqual({ duckdb: none, pyarrow: none, deltaRs: none });
  });

  it.each(asked)('%s: leaving out row groups and pages leaves out no row', (sql, holds) => {
    const found = Array.from({ length: rowCount }, (_, id) => id).filter((id) => holds(id));
    const sum = found.reduce((length, id) => length + (id % 7 === 0 ? 0 : id % 5), 0);
    const answer = [found.length, sum];
    expect(seen.answers[sql]).toEqual({ duckdb: answer, pyarrow: answer, deltaRs: answer });
  });

  it('has indexes of its pages', () => {
    expect(seen.chunks.length).toBeGreaterThan(1);
    // The writer leaves out the indexes of chunks with one page.
    const chunks = must(seen.chunks[0]);
    const leaves = ['place.height', 'place.code.text', 'items.list.element.n', 'items.list.element.t'];
    expect(Object.keys(chunks)).toEqual(['id', ...leaves]);
    for (const leaf of leaves) expect(chunks[leaf]).toMatchObject({ offsetIndex: true, columnIndex: true });
  });

  it('has statistics of the leaves of structs', () => {
    const nulls = Array.from({ length: rowCount }, (_, id) => id);
    expect(file.stats).toEqual({
      numRecords: rowCount,
      minValues: { id: 0, place: { height: 1 / 8, code: { text: 'code 0' } } },
      maxValues: { id: rowCount - 1, place: { height: (rowCount - 1) / 8, code: { text: 'code 9' } } },
      nullCount: {
        id: 0,
        place: {
          height: nulls.filter((id) => id % 3 === 0 || id % 4 === 0).length,
          code: { text: nulls.filter((id) => id % 3 === 0).length },
        },
      },
    });
  });
});

it('refuses a null in a required column, and a value of another form with nothing appended', async () => {
  const type = { type: 'array', elementType: 'integer', containsNull: false } as const;
  const buffers = new ColumnBuffers({ columns: [{ name: 'numbers', type, nullable: false }] });
  const [column] = buffers.columns;
  if (column?.kind !== 'nested') throw new TypeError('the column is not nested');
  for (const wrong of [[1, null], [1, 'x'], { a: 1 }, 7, [[1]]])
    expect(column.append(wrong, isAppended)).toBe(false);
  expect(column.append([1, 2], isAppended)).toBe(true);
  const [leaf] = column.leaves;
  expect([column.rows, leaf?.values.rows, [...(leaf?.starts.subarray(0, 2) ?? [])]]).toEqual([1, 2, [0, 2]]);
  column.appendNull();
  const refused = {
    code: 'ENCODE_FAILED',
    message: expect.stringMatching(/^column numbers of type array .*null/),
  };
  await expect(encoder.encode({ buffers })).rejects.toMatchObject(refused);
});

it('are refused by parquetjs-lite, by name', async () => {
  const type = { type: 'map', keyType: 'string', valueType: 'long', valueContainsNull: true } as const;
  const buffers = new ColumnBuffers({ columns: [{ name: 'counts', type, nullable: true }] });
  await expect(createEncoder('parquetjs-lite').encode({ buffers })).rejects.toMatchObject({
    code: 'ENCODE_FAILED',
    message: expect.stringMatching(/^column counts .*no nested columns/),
  });
});

/** The entries of all leaves, with their values. */
function levelsOf({ buffers }: FileRows) {
  return buffers.columns.map((column) =>
    column.kind !== 'nested'
      ? undefined
      : column.leaves.map(({ definition, repetition, starts, type, values }) => ({
          starts: [...starts.subarray(0, column.rows + 1)],
          definition: [...definition.subarray(0, values.rows)],
          repetition: [...repetition.subarray(0, values.rows)],
          values: Array.from({ length: values.rows }, (_, entry) => {
            if (values.present[entry] === 0) return null;
            if (values.kind !== 'bytes') return values.values[entry];
            return `${type.type} ${Buffer.from(values.entries.entry(must(values.codes[entry]))).toString('hex')}`;
          }),
        })),
  );
}
