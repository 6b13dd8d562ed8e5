import { randomUUID } from 'node:crypto';
import { createEncoder, LakeTable, ledgerColumns, systemHost, TableRestore } from '@windrow/lake';
import { columnBuffersFrom, createTestBucket, type TestBucket } from '@windrow/lake/testing';
import { KafkaBroker } from '@windrow/pipeline';
import { must } from '@windrow/runtime/testing';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { assertRowsRetained, retainedOffsets } from './retained.ts';

const path = 'raw/weather';
const topic = `retained-${randomUUID()}`;
const { KAFKA_BROKERS = '' } = inject('endpoints');
const signal = new AbortController().signal;

let broker: KafkaBroker;
let bucket: TestBucket;
beforeAll(async () => {
  broker = new KafkaBroker({ brokers: KAFKA_BROKERS.split(','), clientId: 'retained-test' });
  bucket = await createTestBucket(inject('endpoints'));
  await broker.createTopics([{ name: topic, partitions: 1, config: {} }]);
});
afterAll(async () => {
  await broker?.close();
  bucket?.store.close();
});

async function land(table: LakeTable, from: number, to: number): Promise<void> {
  const claim = await table.claim([{ topic, partition: 0 }]);
  const offsets = Array.from({ length: to - from }, (_, n) => from + n);
  const columns = [offsets.map(() => topic), offsets.map(() => 0), offsets, offsets.map(() => 0)];
  const schema = { columns: ledgerColumns };
  const encode = () =>
    createEncoder('columnar').encode({
      buffers: columnBuffersFrom({ schema, rowCount: offsets.length, columns }),
    });
  const upload = await table.upload(claim, [{ partitionValues: { date: null }, namePrefix: 'w', encode }]);
  await table.commit(upload, [{ topic, partition: 0, fromOffset: from, nextOffset: to, rows: to - from }]);
}

const changesTo = async (version: number) => {
  const options = { path, sink: 'lake', version, host: systemHost };
  return must(await TableRestore.prepare(bucket.store, options)).changes;
};

test('every row that would go has to be in a topic that may have lost records from its middle', async () => {
  // The marker of a transaction has the offset of the last of ten records, as if compaction had deleted that record.
  const producer = await broker.transactionalProducer(topic);
  await producer.commit([{ topic, records: Array.from({ length: 9 }, () => ({ key: 'k', value: null })) }]);
  await producer.close();
  const table = await LakeTable.open(bucket.store, {
    path,
    schema: { columns: ledgerColumns },
    sink: 'lake',
  });
  await land(table, 0, 5);
  await land(table, 5, 9);
  const where = { broker, store: bucket.store, signal };
  const all = await changesTo(0);
  expect((await retainedOffsets(broker, all)).get(topic)).toEqual(new Map([[0, 0]]));
  await assertRowsRetained(where, path, all);

  await land(table, 9, 10);
  await expect(assertRowsRetained(where, path, await changesTo(0))).rejects.toMatchObject({
    code: 'RESTORE_REFUSED',
    message: expect.stringContaining(
      `no longer has 1 of the records whose rows the restore would remove: ${topic}/0@9.`,
    ),
  });
  // Also when the restore removes only the rows from offset 5 on.
  await expect(assertRowsRetained(where, path, await changesTo(2))).rejects.toThrow('no longer has 1 of');
});

test('a ledger that is ahead of its topic is of another one', async () => {
  const table = await LakeTable.open(bucket.store, {
    path,
    schema: { columns: ledgerColumns },
    sink: 'lake',
  });
  await land(table, 10, 12);
  await expect(retainedOffsets(broker, await changesTo(0))).rejects.toMatchObject({
    code: 'RESTORE_REFUSED',
    message: expect.stringContaining(`at offset 12 of ${topic}/0, which ends at 10`),
  });
});
