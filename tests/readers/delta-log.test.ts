import {
  columnBuffersFrom,
  createEncoder,
  DeltaLog,
  LakeTable,
  systemHost,
  type TableSchema,
} from '@windrow/lake';
import { createTestBucket, type TestBucket } from '@windrow/lake/testing';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { runReader } from './python.ts';

const schema: TableSchema = { columns: [{ name: 'n', type: 'long', nullable: true }] };
const path = 'curated/numbers';
const of = { topic: 'numbers.raw', partition: 3 };
const appIds = ['lake:numbers.raw:3', 'lake:numbers.raw:3#owner', 'lake:numbers.raw:3#rows'];

let bucket: TestBucket;
beforeAll(async () => {
  bucket = await createTestBucket(inject('endpoints'));
});
afterAll(() => bucket.store.close());

const deltaRs = (action: 'state' | 'compact') =>
  runReader('delta-log.py', [action, path, ...appIds], {
    ...inject('endpoints'),
    LAKE_BUCKET: bucket.options.bucket,
  });

async function land(table: LakeTable, from: number, to: number): Promise<void> {
  const claim = await table.claim([of]);
  expect(claim.positions).toEqual([{ ...of, nextOffset: from, rows: from }]);
  for (let n = from; n < to; n++) {
    const encode = () =>
      createEncoder('columnar').encode({
        buffers: columnBuffersFrom({ schema, rowCount: 1, columns: [[n]] }),
      });
    const files = [{ partitionValues: { date: '2013-01-01' }, namePrefix: 'w', encode }];
    const ranges = [{ ...of, fromOffset: n, nextOffset: n + 1, rows: 1 }];
    await table.commit(await table.upload(claim, files), ranges);
    expect(await table.checkpointWhenDue()).toEqual({});
  }
}

it('shares the log with delta-rs: our checkpoint without the commits before it, then its compaction and checkpoint', async () => {
  const { store } = bucket;
  const table = await LakeTable.open(store, { path, schema, sink: 'lake' });
  await land(table, 0, 22);
  for (let version = 0; version < 19; version++) {
    await store.delete(`${path}/_delta_log/${String(version).padStart(20, '0')}.json`);
  }
  const txns = { [appIds[0]!]: 22, [appIds[1]!]: 1, [appIds[2]!]: 22 };
  expect(await deltaRs('state')).toEqual({ version: 23, files: 22, txns });

  expect(await deltaRs('compact')).toEqual({ version: 24, files: 1, txns });
  const reopened = await LakeTable.open(store, { path, schema, sink: 'lake' });
  await land(reopened, 22, 24);
  const { adds, removes } = await (await DeltaLog.open(store, path, systemHost))!.files();
  expect([adds.size, removes.size]).toEqual([3, 22]);
  // The writer that had not seen the compaction reads on behind it.
  expect(await table.positions()).toEqual([{ ...of, nextOffset: 24, rows: 24 }]);
  expect(await deltaRs('state')).toEqual({
    version: 27,
    files: 3,
    txns: { [appIds[0]!]: 24, [appIds[1]!]: 2, [appIds[2]!]: 24 },
  });
});
