import { createEncoder, LakeTable } from '@windrow/lake';
import { createTestBucket, readTable } from '@windrow/lake/testing';
import { Watermark } from '@windrow/pipeline';
import { createLogger, createRegistry } from '@windrow/runtime';
import { describeDestination, padding } from '@windrow/sink/testing';
import { inject, onTestFinished } from 'vitest';
import { FaultyStore } from '../fixtures/faulty-store.ts';
import { createOwnStreams } from '../fixtures/own-streams.ts';
import { ClaimChecks } from './claim-checks.ts';
import { feedsOf } from './feeds.ts';
import { LakeDestination } from './lake-destination.ts';
import { sinkMetrics } from './metrics.ts';

const partitions = 2;
const occurred_at = Date.UTC(2013, 0, 1);

describeDestination('the lake', async (broker) => {
  const endpoints = inject('endpoints');
  const bucket = await createTestBucket(endpoints);
  onTestFinished(() => bucket.store.close());
  const { contracts, registry, encode } = await createOwnStreams(
    broker,
    endpoints.SCHEMA_REGISTRY_URL,
    partitions,
  );
  const planned = feedsOf(contracts, registry, () => undefined).find(
    ({ table }) => table === 'curated/track',
  );
  if (!planned) throw new Error('there is no table curated/track');
  const { topic, table: path, schema } = planned;
  const feed = planned.into(schema);
  const store = new FaultyStore(bucket.store);
  const log = createLogger('lake-sink', 'fatal');
  return {
    intake: 'recordBatches',
    open: async () =>
      new LakeDestination({
        ...{ feed, log, maxWindows: 12, watermark: new Watermark(), compaction: undefined },
        table: await LakeTable.open(store, { path, schema, sink: 'lake' }),
        encoder: createEncoder('columnar'),
        claimChecks: new ClaimChecks({ log, onLost: () => undefined }),
        metrics: sinkMetrics(createRegistry('lake-sink')),
      }),
    ...{ topic, partitions, registry },
    encode: (event_id) => {
      const event = { event_id, type: 'track', occurred_at, properties: padding(event_id) };
      return Buffer.from(encode(topic, [event])[0]?.value ?? '');
    },
    poison: () => Buffer.from('not Avro'),
    ids: async () => {
      const { rows, named, lying } = await readTable(bucket.store, path);
      if (lying.join() !== named.join()) throw new Error(`files without a commit: ${lying} and not ${named}`);
      return rows.map(({ event_id }) => String(event_id));
    },
    ledger: async () => {
      const { txns } = await readTable(bucket.store, path);
      const offsets = Array.from({ length: partitions }, (_, n) => txns.get(`lake:${topic}:${n}`) ?? 0);
      return new Map(offsets.entries());
    },
    loseAnswer: () => {
      store.losesAnswer = true;
    },
    answersLost: () => store.answersLost,
  };
});
