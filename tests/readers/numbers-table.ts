import { createEncoder, LakeTable, type ObjectStore, type TableSchema } from '@windrow/lake';
import { columnBuffersFrom } from '@windrow/lake/testing';
import { expect } from 'vitest';

const schema: TableSchema = { columns: [{ name: 'n', type: 'long', nullable: true }] };
export const numbersPath = 'curated/numbers';
export const numbersOf = { topic: 'numbers.raw', partition: 3 };

export const openNumbers = (store: ObjectStore): Promise<LakeTable> =>
  LakeTable.open(store, { path: numbersPath, schema, sink: 'lake' });

/** A number and file a commit. */
export async function landNumbers(table: LakeTable, from: number, to: number): Promise<void> {
  const claim = await table.claim([numbersOf]);
  expect(claim.positions).toEqual([{ ...numbersOf, nextOffset: from, rows: from }]);
  for (let n = from; n < to; n++) {
    const encode = () =>
      createEncoder('columnar').encode({
        buffers: columnBuffersFrom({ schema, rowCount: 1, columns: [[n]] }),
      });
    const files = [{ partitionValues: { date: '2013-01-01' }, namePrefix: 'w', encode }];
    const ranges = [{ ...numbersOf, fromOffset: n, nextOffset: n + 1, rows: 1 }];
    await table.commit(await table.upload(claim, files), ranges);
    expect(await table.checkpointWhenDue()).toEqual({});
  }
}

/** Makes the log begin with its checkpoint, as it does when it is old. */
export async function forgetCommits(store: ObjectStore, before: number): Promise<void> {
  for (let version = 0; version < before; version++)
    await store.delete(`${numbersPath}/_delta_log/${String(version).padStart(20, '0')}.json`);
}
