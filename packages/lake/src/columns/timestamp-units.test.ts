import { ByteWriter, parquetWrite } from 'hyparquet-writer';
import { expect, test } from 'vitest';
import { readNumberColumns } from '../parquet/read-number-columns.ts';
import { MergedRows } from './merged-rows.ts';

const schema = { columns: [{ name: 'at', type: 'timestamp', nullable: true }] } as const;

/** A file of one column of times in this unit, as former versions of Windrow (MILLIS) and other engines write it. */
function fileOf(unit: 'MILLIS' | 'MICROS' | 'NANOS', times: (bigint | null)[]): Uint8Array {
  const writer = new ByteWriter();
  parquetWrite({
    writer,
    schema: [
      { name: 'root', num_children: 1 },
      {
        ...{ name: 'at', type: 'INT64', repetition_type: 'OPTIONAL' },
        logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit },
      },
    ],
    columnData: [{ name: 'at', data: times }],
  });
  return writer.getBytes();
}

async function merged(...files: Uint8Array[]): Promise<(bigint | null)[]> {
  const rows = new MergedRows(schema);
  for (const file of files) await rows.add(file, 'the file', async () => {});
  const { buffers } = rows.inOrderOf([]);
  return Array.from({ length: buffers.rowCount }, (_, row) => {
    const value = buffers.valueAt(0, row);
    return value === null ? null : BigInt(value as number | bigint);
  });
}

test('files with milliseconds, microseconds and nanoseconds merge into microseconds, all exact', async () => {
  const files = [
    fileOf('MILLIS', [1_356_998_400_001n, -1n, null, 253_402_300_799_999n, -62_135_596_800_000n]),
    fileOf('MICROS', [1_356_998_400_000_001n, -1n, null, 253_402_300_799_999_999n]),
    fileOf('NANOS', [1_356_998_400_000_001_000n, -1_000n]),
  ];
  expect(await merged(...files)).toEqual([
    ...[1_356_998_400_001_000n, -1_000n, null, 253_402_300_799_999_000n, -62_135_596_800_000_000n],
    ...[1_356_998_400_000_001n, -1n, null, 253_402_300_799_999_999n],
    ...[1_356_998_400_000_001n, -1n],
  ]);
});

test('the farthest milliseconds that a former version wrote still fit', async () => {
  expect(await merged(fileOf('MILLIS', [2n ** 53n - 1n, 1n - 2n ** 53n]))).toEqual([
    (2n ** 53n - 1n) * 1_000n,
    (1n - 2n ** 53n) * 1_000n,
  ]);
});

test.each([
  ['nanoseconds that would be rounded', fileOf('NANOS', [1_001n]), /not whole microseconds/],
  ['milliseconds beyond 64 bits of microseconds', fileOf('MILLIS', [2n ** 62n]), /microseconds cannot hold/],
])('%s are refused', async (_, file, message) => {
  await expect(merged(file)).rejects.toMatchObject({
    code: 'LAKE_LOG_INVALID',
    message: expect.stringMatching(message),
  });
});

test('as numbers, times of each unit are epoch milliseconds, rounded down', async () => {
  const read = async (file: Uint8Array) => [...((await readNumberColumns(file, ['at'], 'f'))[0] ?? [])];
  expect(await read(fileOf('MILLIS', [1_356_998_400_001n, -1n, null]))).toEqual([
    1_356_998_400_001,
    -1,
    Number.NaN,
  ]);
  expect(await read(fileOf('MICROS', [1_356_998_400_001_999n, -1n, -1_000n]))).toEqual([
    1_356_998_400_001, -1, -1,
  ]);
  expect(await read(fileOf('NANOS', [1_999_999n, -1n]))).toEqual([1, -1]);
});
