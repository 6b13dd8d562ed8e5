import { setTimeout as sleep } from 'node:timers/promises';
import { AvroCodec, AvroRegistry, loadStreams, streamNamed } from '@windrow/contracts';
import { KafkaBroker } from '@windrow/pipeline';
import { must } from '@windrow/runtime/testing';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { Draw } from '../chaos/draw.ts';
import { eventNumber, segmentMessage } from '../chaos/events.ts';
import type { Instance } from '../chaos/instance.ts';
import { addressOf, type Producers, startProducers } from './producers.ts';

const kills = 50;
const clients = 6;
const batchSize = 50;
const seed = 20_261;
const run = `killed-${Date.now()}`;

const endpoints = inject('endpoints');
const broker = new KafkaBroker({ brokers: (endpoints.KAFKA_BROKERS ?? '').split(','), clientId: run });
let producers: Producers;

beforeAll(async () => {
  producers = await startProducers(2, endpoints);
});
afterAll(async () => {
  await producers?.stop();
  await broker.close();
});

test(`producers at full load are killed ${kills} times: every acknowledged event is in Kafka`, {
  timeout: 600_000,
}, async ({ signal }) => {
  const track = streamNamed(await loadStreams(), 'track');
  const topic = track.topics.raw.name;
  const from = await broker.endOffsets(topic);
  const acknowledged = new Set<string>();
  /** Producer → batches that it has acknowledged since it was last killed. */
  const lately = new Map<Instance, number>();
  let waiting: { for: Instance; batches: number; resolve: () => void } | undefined;
  let next = 0;
  let unanswered = 0;
  let isOver = false;
  const { instances } = producers;

  const client = async (first: number): Promise<void> => {
    for (let turn = first; !isOver && !signal.aborted; turn++) {
      const producer = must(instances[turn % instances.length]);
      const batch = Array.from({ length: batchSize }, () => segmentMessage(eventNumber(run, next++)));
      const status = await post(producer, batch);
      if (status === undefined) {
        unanswered += 1;
        await sleep(20);
      }
      if (status !== 200) continue;
      for (const { messageId } of batch as { messageId: string }[]) acknowledged.add(messageId);
      const batches = (lately.get(producer) ?? 0) + 1;
      lately.set(producer, batches);
      if (waiting?.for === producer && batches >= waiting.batches) waiting.resolve();
    }
  };
  const load = Promise.all(Array.from({ length: clients }, (_, first) => client(first)));
  const draw = new Draw(seed);
  for (let kill = 0; kill < kills; kill++) {
    const victim = must(instances[kill % instances.length]);
    await new Promise<void>((resolve, reject) => {
      waiting = { for: victim, batches: draw.between(2, 20), resolve };
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    lately.set(victim, 0);
    victim.kill();
  }
  isOver = true;
  await load;

  const found = new Set<string>();
  const codec = new AvroCodec(track.schema, new AvroRegistry(endpoints.SCHEMA_REGISTRY_URL ?? ''));
  const reader = await broker.read({
    topic,
    from,
    onBatch: async ({ records }) => {
      for (const decoded of await codec.decode(records.map(({ value }) => value))) {
        if (decoded.ok) found.add(String(decoded.record.event_id));
      }
    },
  });
  await reader.reached(await broker.endOffsets(topic), signal);
  await reader.close();
  console.log(`${acknowledged.size} events acknowledged, ${unanswered} batches without an answer`);
  expect([...acknowledged].filter((id) => !found.has(id))).toEqual([]);
  expect(acknowledged.size).toBeGreaterThan(kills * batchSize);
  // The kills have met requests under way.
  expect(unanswered).toBeGreaterThan(0);
  expect(instances.flatMap(({ unasked }) => unasked)).toEqual([]);
});

/** The status; undefined where no answer came. */
async function post(producer: Instance, batch: object[]): Promise<number | undefined> {
  try {
    const response = await fetch(`${addressOf(producer)}/v1/batch`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ batch }),
      signal: AbortSignal.timeout(15_000),
    });
    await response.arrayBuffer();
    return response.status;
  } catch {
    return undefined;
  }
}
