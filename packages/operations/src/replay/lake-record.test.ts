import type { StreamContract } from '@windrow/contracts';
import { expect, test } from 'vitest';
import { recordReader } from './lake-record.ts';

const micros = { type: 'long', logicalType: 'timestamp-micros' };
const schema = {
  type: 'record',
  name: 'Sample',
  fields: [
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'exact_at', type: ['null', micros] },
    { name: 'id', type: 'long' },
    { name: 'raw', type: 'bytes' },
    { name: 'tags', type: { type: 'array', items: 'string' } },
    { name: 'none', type: ['null', 'string'] },
  ],
};
const toRecord = recordReader({ schema } as unknown as StreamContract);

test.each([
  [new Date(1_357_035_300_123), 1_357_035_300_123_000],
  [1_357_035_300_123_456n, 1_357_035_300_123_456],
  [-1n, -1],
  [253_402_300_799_999_999n, 253_402_300_799_999_999n],
])('a row has the values that avsc decodes; the time %s in the unit of its field', (exactAt, expected) => {
  const row = { at: new Date(-1), exact_at: exactAt, id: 2n ** 62n, raw: Uint8Array.of(7), tags: '["a"]' };
  expect(toRecord(row)).toEqual({
    ...{ at: -1, exact_at: expected, id: 2n ** 62n, raw: Buffer.of(7), tags: ['a'], none: null },
  });
});
