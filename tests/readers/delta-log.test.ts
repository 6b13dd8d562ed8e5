import { DeltaLog, systemHost } from '@windrow/lake';
import { createTestBucket, type TestBucket } from '@windrow/lake/testing';
import { must } from '@windrow/runtime/testing';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { forgetCommits, landNumbers, numbersOf, numbersPath, openNumbers } from './numbers-table.ts';
import { runReader } from './python.ts';

const appIds = ['lake:numbers.raw:3', 'lake:numbers.raw:3#owner', 'lake:numbers.raw:3#rows'];

let bucket: TestBucket;
beforeAll(async () => {
  bucket = await createTestBucket(inject('endpoints'));
});
afterAll(() => bucket.store.close());

const deltaRs = (action: 'state' | 'compact') =>
  runReader('delta-log.py', [action, numbersPath, ...appIds], {
    ...inject('endpoints'),
    LAKE_BUCKET: bucket.options.bucket,
  });

it('shares the log with delta-rs: our checkpoint without the commits before it, then its compaction and checkpoint', async () => {
  const { store } = bucket;
  const table = await openNumbers(store);
  await landNumbers(table, 0, 22);
  await forgetCommits(store, 19);
  const txns = { [must(appIds[0])]: 22, [must(appIds[1])]: 1, [must(appIds[2])]: 22 };
  expect(await deltaRs('state')).toEqual({ version: 23, files: 22, txns });

  expect(await deltaRs('compact')).toEqual({ version: 24, files: 1, txns });
  const reopened = await openNumbers(store);
  await landNumbers(reopened, 22, 24);
  const { adds, removes } = await must(await DeltaLog.open(store, numbersPath, systemHost)).files();
  expect([adds.size, removes.size]).toEqual([3, 22]);
  // The writer that had not seen the compaction reads on behind it.
  expect(await table.positions()).toEqual([{ ...numbersOf, nextOffset: 24, rows: 24 }]);
  expect(await deltaRs('state')).toEqual({
    version: 27,
    files: 3,
    txns: { [must(appIds[0])]: 24, [must(appIds[1])]: 2, [must(appIds[2])]: 24 },
  });
});
