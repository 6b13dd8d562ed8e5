import { ByteWriter, parquetWrite } from 'hyparquet-writer';
import { expect, test } from 'vitest';
import { ColumnBuffers } from '../columns/column-buffers.ts';
import { isAppended } from '../columns/testing/buffers-from-batch.ts';
import type { ColumnType } from '../table-schema.ts';
import { createColumnarEncoder } from './columnar-encoder.ts';
import { readNumberColumns } from './read-number-columns.ts';

const struct = (...names: string[]): ColumnType => ({
  type: 'struct',
  fields: names.map((name) => ({ name, type: 'long', nullable: true })),
});

async function fileOf(type: ColumnType, value: Record<string, number>): Promise<Uint8Array> {
  const buffers = new ColumnBuffers({ columns: [{ name: 'place', type, nullable: true }] });
  const [column] = buffers.columns;
  if (column?.kind !== 'nested') throw new TypeError('the column is not nested');
  column.append(value, isAppended);
  return (await createColumnarEncoder().encode({ buffers })).bytes;
}

test('a field of a struct is no column, also when it has the name of one', async () => {
  const file = await fileOf(struct('_offset'), { _offset: 7 });
  const [offsets] = await readNumberColumns(file, ['_offset'], 'the file');
  expect(offsets).toEqual(Float64Array.of(Number.NaN));
});

test('values that are no numbers are an error that the caller gets', async () => {
  const file = await fileOf(struct('valueOf', 'toString'), { valueOf: 1, toString: 2 });
  await expect(readNumberColumns(file, ['place'], 'the file')).rejects.toMatchObject({
    code: 'LAKE_LOG_INVALID',
    message: expect.stringMatching(/^the file can't be read: column place has values that are no numbers/),
  });
});

test('text is no number', async () => {
  const writer = new ByteWriter();
  parquetWrite({ writer, columnData: [{ name: 'n', data: ['x'], type: 'STRING' }] });
  await expect(readNumberColumns(writer.getBytes(), ['n'], 'the file')).rejects.toMatchObject({
    code: 'LAKE_LOG_INVALID',
  });
});
