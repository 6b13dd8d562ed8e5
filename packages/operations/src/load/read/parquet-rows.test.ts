import { parquetWriteBuffer } from 'hyparquet-writer';
import { expect, it } from 'vitest';
import type { Item } from './item.ts';
import { parquetRows } from './parquet-rows.ts';

async function read(bytes: Buffer): Promise<Item[]> {
  async function* chunks() {
    for (let at = 0; at < bytes.length; at += 100) yield bytes.subarray(at, at + 100);
  }
  const items: Item[] = [];
  for await (const group of parquetRows('rows.parquet', chunks())) items.push(...group);
  return items;
}

it('reads each value exactly, from several row groups', async () => {
  const bytes = Buffer.from(
    parquetWriteBuffer({
      rowGroupSize: 2,
      schema: [
        { name: 'root', num_children: 6 },
        { name: 'id', type: 'INT64', repetition_type: 'REQUIRED' },
        { name: 'at', type: 'INT64', converted_type: 'TIMESTAMP_MICROS', repetition_type: 'OPTIONAL' },
        {
          name: 'amount',
          type: 'INT64',
          converted_type: 'DECIMAL',
          precision: 18,
          scale: 2,
          repetition_type: 'OPTIONAL',
        },
        { name: 'day', type: 'INT32', converted_type: 'DATE', repetition_type: 'OPTIONAL' },
        { name: 'name', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
        { name: 'ratio', type: 'DOUBLE', repetition_type: 'OPTIONAL' },
      ],
      columnData: [
        { name: 'id', data: [-(2n ** 63n), 2n ** 63n - 1n, 0n] },
        { name: 'at', data: [1_795_856_400_123_456n, null, -1n] },
        { name: 'amount', data: [123_456_789_012_345_678n, null, -5n] },
        { name: 'day', data: [20_785, null, -1] },
        { name: 'name', data: ['Zürich', null, ''] },
        { name: 'ratio', data: [0.1, null, Number.NaN] },
      ],
    }),
  );
  const items = await read(bytes);
  expect(items.map(({ text }) => text.toString())).toEqual([
    '{"id":-9223372036854775808,"at":"2026-11-28T09:00:00.123456Z","amount":1234567890123456.78,"day":"2026-11-28","name":"Zürich","ratio":0.1}',
    '{"id":9223372036854775807,"at":null,"amount":null,"day":null,"name":null,"ratio":null}',
    '{"id":0,"at":"1969-12-31T23:59:59.999999Z","amount":-0.05,"day":"1969-12-31","name":"","ratio":"NaN"}',
  ]);
  expect(items.map(({ line }) => line)).toEqual([1, 2, 3]);
  await expect(read(bytes.subarray(0, -9))).rejects.toMatchObject({
    code: 'FILE_UNREADABLE',
    message: expect.stringMatching(/^rows\.parquet can't be read to its end: as Parquet: /),
  });
});
