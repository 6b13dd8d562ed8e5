import { expect, test } from 'vitest';
import manifest from '../../../package.json' with { type: 'json' };
import { batchOf, encodeBatch } from '../fixtures/record-batch-bytes.ts';
import type { RecordBatchView } from '../record-batch-view.ts';
import { applyPatches, patches } from './apply-patches.ts';
import { fetching, recordBatchesOf } from './fetched-record-batches.ts';
import { assertSupportedVersion, internalModule, supportedVersion } from './kafkajs-internals.ts';

applyPatches();

test('the patches are applied in this order; apply-patches.ts says why', () => {
  expect(patches.map(({ name }) => name)).toEqual([
    'frameResponses',
    'decodeRecordBatches',
    'hideAbortedRecords',
    'addHighWatermarks',
    'addStableOffsets',
    'encodeWithoutCopies',
    'groupMessagesInLinearTime',
  ]);
});

test('another version of kafkajs is an error that names both versions', () => {
  expect(() => assertSupportedVersion('2.2.5')).toThrow(
    expect.objectContaining({
      code: 'STACK_PREREQUISITE_MISSING',
      message: expect.stringMatching(/kafkajs 2\.2\.5 is installed.*kafkajs 2\.2\.4/),
    }),
  );
  expect(() => assertSupportedVersion()).not.toThrow();
  expect(manifest.dependencies.kafkajs).toBe(supportedVersion);
});

/** A fetch response of version 4 with one partition: https://kafka.apache.org/protocol#The_Messages_Fetch */
function fetchResponse(aborted: { producerId: bigint; firstOffset: bigint }[], records: Buffer): Buffer {
  const int32 = (value: number) => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(value);
    return bytes;
  };
  const int64 = (value: bigint) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64BE(value);
    return bytes;
  };
  const partition = [int32(0), Buffer.alloc(2), int64(9n), int64(9n), int32(aborted.length)];
  for (const { producerId, firstOffset } of aborted) partition.push(int64(producerId), int64(firstOffset));
  const topic = [
    Buffer.from([0, 1]),
    Buffer.from('t'),
    int32(1),
    ...partition,
    int32(records.length),
    records,
  ];
  return Buffer.concat([int32(0), int32(1), ...topic]);
}

interface Decoder {
  decode(raw: Buffer): Promise<{ responses: { partitions: { messages: never[] }[] }[] }>;
}

/** What the decoder that kafkajs uses makes of the response. */
async function decoded(raw: Buffer): Promise<never[]> {
  const { decode } = internalModule<Decoder>('protocol/requests/fetch/v4/response.js');
  const { responses } = await decode(raw);
  return responses.flatMap(({ partitions }) => partitions.flatMap(({ messages }) => messages));
}

const transactions = Buffer.concat([
  encodeBatch(batchOf(0, ['aborted'], { isTransactional: true, producerId: 7n })),
  encodeBatch(batchOf(1, ['committed'], { isTransactional: true, producerId: 8n })),
]);

test('all patches of fetch responses are in effect together: record batches, and no aborted record in either form', async () => {
  const raw = fetchResponse([{ producerId: 7n, firstOffset: 0n }], transactions);
  const records = await fetching('records', () => decoded(raw));
  expect(records).toMatchObject([
    { isControlRecord: true },
    { isControlRecord: false, value: Buffer.from('committed') },
  ]);
  const batches: RecordBatchView[] = await fetching('recordBatches', async () =>
    recordBatchesOf(await decoded(raw)),
  );
  expect(batches.map((batch) => String(batch.record(0).value))).toEqual(['committed']);
});
