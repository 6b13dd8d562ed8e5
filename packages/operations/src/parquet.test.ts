import { type ColumnBuffers, createEncoder, type ObjectStore } from '@windrow/lake';
import { columnBuffersFrom } from '@windrow/lake/testing';
import { expect, test } from 'vitest';
import { idOf } from './audit/lake-content.ts';
import { readColumns } from './parquet.ts';

/** The farthest milliseconds of a Date, and others beyond it, such as the year 287168. */
const times = [0, -1, 8.64e15, -8.64e15, 8.64e15 + 1, 9e15];

test('times that no Date holds are read, and give different ids', async () => {
  const schema = { columns: [{ name: 'at', type: 'timestamp', nullable: false }] } as const;
  const us = times.map((ms) => BigInt(ms) * 1_000n);
  const buffers: ColumnBuffers = columnBuffersFrom({ schema, rowCount: us.length, columns: [us] });
  const { bytes } = await createEncoder('columnar').encode({ buffers });
  const store = { get: () => Promise.resolve(bytes), url: String } as unknown as ObjectStore;
  const rows = await readColumns(store, 'file', ['at']);
  const dates = times.slice(0, 4).map((ms) => new Date(ms));
  expect(rows.map(({ at }) => at)).toEqual([
    ...dates,
    8_640_000_000_000_001_000n,
    9_000_000_000_000_000_000n,
  ]);
  expect(new Set(rows.map((row) => idOf(row, ['at']))).size).toBe(times.length);
  expect(idOf({ at: new Date(Number.NaN) }, ['at'])).toMatch(/ms since 1970/);
});
