import { setTimeout as sleep } from 'node:timers/promises';
import { AvroCodec, AvroRegistry, loadStreams, streamNamed } from '@windrow/contracts';
import { KafkaBroker } from '@windrow/pipeline';
import { must } from '@windrow/runtime/testing';
import { cities, eventMaker } from '../lake/events.ts';
import { partitions } from '../lake/topic.ts';
import type { Step } from './latencies.ts';

/** Sends what is due so often, or when the former answer has come. */
const sendEveryMs = 10;
/** Beyond it the sender is behind, and lets time go. */
const mostAtOnce = 4_000;

export interface SteadyLoad {
  /** Partition → its events so far, and when the broker had acknowledged them. */
  acknowledged: Step[][];
  /** @returns the events that were sent; fewer than asked for where the broker doesn't answer in time */
  run(eventsPerSecond: number, seconds: number): Promise<number>;
  close(): Promise<void>;
}

/**
 * Track events that happen now, to their raw topic, one call at a time, so that each partition keeps their order; and before
 * them the weather of their cities.
 */
export async function openLoad(env: NodeJS.ProcessEnv): Promise<SteadyLoad> {
  const contracts = await loadStreams();
  const [track, weather] = [streamNamed(contracts, 'track'), streamNamed(contracts, 'weather')];
  const broker = new KafkaBroker({ brokers: must(env.KAFKA_BROKERS).split(','), clientId: 'bench' });
  const registry = new AvroRegistry(must(env.SCHEMA_REGISTRY_URL));
  const codec = new AvroCodec(track.schema, registry);
  const schemaId = await registry.register(track.topics.raw.name, track.schema);
  const producer = await broker.producer();
  const eventAt = eventMaker({ events: 1, windows: 1 });
  const acknowledged = Array.from({ length: partitions }, (): Step[] => []);
  const rows = new Array<number>(partitions).fill(0);
  let index = 0;

  const weatherCodec = new AvroCodec(weather.schema, registry);
  const weatherId = await registry.register(weather.topics.raw.name, weather.schema);
  const unknown = Object.fromEntries(weather.schema.fields.map(({ name }) => [name, null]));
  const observations = cities.map(({ name: city, latitude, longitude }) => {
    const observed = { city, latitude, longitude, observed_at: Date.now() - 600_000, temperature_c: 12.5 };
    const record = { ...unknown, ...observed };
    return { key: weather.key(record), value: weatherCodec.encode(record, weatherId) };
  });
  await producer.send([{ topic: weather.topics.raw.name, records: observations }]);

  async function send(count: number): Promise<void> {
    const sent = new Array<number>(partitions).fill(0);
    const nowMs = Date.now();
    const records = Array.from({ length: count }, () => {
      const event = { ...eventAt(index), occurred_at: nowMs, sent_at: nowMs, received_at: nowMs };
      const partition = index++ % partitions;
      sent[partition] = must(sent[partition]) + 1;
      return { key: track.key(event), value: codec.encode(event, schemaId), partition };
    });
    await producer.send([{ topic: track.topics.raw.name, records }]);
    const atMs = Date.now();
    for (const [partition, more] of sent.entries()) {
      rows[partition] = must(rows[partition]) + more;
      must(acknowledged[partition]).push({ rows: must(rows[partition]), atMs });
    }
  }

  return {
    acknowledged,
    async run(eventsPerSecond, seconds) {
      const startedMs = performance.now();
      let due = 0;
      let total = 0;
      for (let lastMs = startedMs; ; ) {
        const nowMs = performance.now();
        if (nowMs - startedMs >= 1_000 * seconds) return total;
        due = Math.min(mostAtOnce, due + ((nowMs - lastMs) / 1_000) * eventsPerSecond);
        lastMs = nowMs;
        const count = Math.floor(due);
        if (count > 0) await send(count);
        due -= count;
        total += count;
        await sleep(Math.max(0, sendEveryMs - (performance.now() - nowMs)));
      }
    },
    async close() {
      await producer.close();
      await broker.close();
    },
  };
}
