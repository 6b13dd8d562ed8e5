import { must } from '@windrow/runtime/testing';
import fc from 'fast-check';
import type { SchemaElement } from 'hyparquet';
import { hashParquetValue, sbbfContains } from 'hyparquet/src/bloom.js';
import { expect, test } from 'vitest';
import { BloomFilter } from './bloom-filter.ts';
import { xxHash64 } from './xxhash64.ts';

const element: SchemaElement = { name: 'id', type: 'BYTE_ARRAY' };
const hashOf = (bytes: Uint8Array): bigint => BigInt.asUintN(64, must(hashParquetValue(bytes, element)));

test('the hash is the one that a reader computes, for every length and wherever the bytes lie', () => {
  const hash = new Int32Array(2);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat({ max: 9 }), (bytes, before) => {
      const around = Buffer.concat([Buffer.alloc(before, 7), bytes, Buffer.alloc(3, 7)]);
      xxHash64(around, before, before + bytes.length, hash);
      expect(BigInt.asUintN(64, (BigInt(must(hash[1])) << 32n) | BigInt(must(hash[0]) >>> 0))).toBe(
        hashOf(bytes),
      );
    }),
    { numRuns: 2_000 },
  );
});

test('a reader finds every value that is in it, and few that are not', () => {
  const ids = (kind: string) => Array.from({ length: 20_000 }, (_, index) => Buffer.from(`${kind}-${index}`));
  const filter = new BloomFilter(20_000);
  for (const id of ids('there')) filter.add(id, 0, id.length);
  const found = (id: Uint8Array) => sbbfContains(filter.words, hashOf(id));
  expect(ids('there').every(found)).toBe(true);
  expect(ids('elsewhere').filter(found).length).toBeLessThan(400);
});
