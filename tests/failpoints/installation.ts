import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import {
  AvroCodec,
  type AvroRecordSchema,
  AvroRegistry,
  type EventRecord,
  loadStreams,
  topicsOf,
} from '@windrow/contracts';
import { applyStreams, type InputRecord, KafkaBroker, type OutputRecord } from '@windrow/pipeline';
import { describeGroup } from '@windrow/pipeline/testing';
import { defaultStateDir, type PartName, startStack } from '@windrow/stack';
import { expect, vi } from 'vitest';
import { type ServiceName, ServiceProcess } from './service-process.ts';

export interface Read {
  partition: number;
  input: InputRecord;
  value: EventRecord;
}

export const eventTimeMs = Date.UTC(2024, 4, 1, 12);

/** Long enough for a service's start, a session's timeout and the work of an instance that takes over. */
export const recoveryMs = { timeout: 90_000, interval: 150 };
// Each test recovers once or twice.
vi.setConfig({ testTimeout: 2 * recoveryMs.timeout });

/** A stack of its own, because the services' topics and groups have fixed names, with the topics but no service. */
export async function startInstallation(parts: PartName[], partitions: number) {
  const runs = path.join(defaultStateDir, 'test');
  mkdirSync(runs, { recursive: true });
  const stateDir = mkdtempSync(path.join(runs, 'failpoints-'));
  const stack = await startStack({ stateDir, parts });
  const { KAFKA_BROKERS = '', SCHEMA_REGISTRY_URL = '' } = stack.endpoints;
  const brokers = KAFKA_BROKERS.split(',');
  const broker = new KafkaBroker({ brokers, clientId: 'failpoints-test' });
  const avro = new AvroRegistry(SCHEMA_REGISTRY_URL);
  const contracts = await loadStreams();
  const { schemaIds } = await applyStreams(contracts, { broker, registry: avro, partitions });
  const producer = await broker.producer();
  const schemas = new Map(topicsOf(contracts).map(({ topic, schema }) => [topic.name, schema]));

  const schemaOf = (topic: string): AvroRecordSchema => {
    const schema = schemas.get(topic);
    if (!schema) throw new Error(`there is no topic ${topic}`);
    return schema;
  };

  /** A record of the topic with all its fields, spread over the partitions by its event id. */
  function encode(topic: string, values: EventRecord): OutputRecord {
    const schema = schemaOf(topic);
    const record = Object.fromEntries(
      schema.fields.map(({ name, type }) => [name, values[name] ?? emptyOf(type)]),
    );
    const value = new AvroCodec(schema, avro).encode(record, schemaIds.get(topic) ?? 0);
    return { key: String(values.event_id ?? `${values.city}@${values.observed_at}`), value };
  }

  return {
    stack,
    broker,
    contracts,
    avro,
    encode,
    send: (topic: string, records: OutputRecord[]) => producer.send([{ topic, records }]),

    /** All of a topic that is committed. */
    async read(topic: string): Promise<Read[]> {
      const codec = new AvroCodec(schemaOf(topic), avro);
      const read: Read[] = [];
      const reader = await broker.read({
        topic,
        onBatch: async ({ partition, records }) => {
          const decoded = await codec.decode(records.map(({ value }) => value));
          for (const [index, result] of decoded.entries())
            if (result.ok)
              read.push({ partition, input: records[index] as InputRecord, value: result.record });
        },
      });
      await reader.reached(await broker.highWatermarks(topic)).finally(() => reader.close());
      return read;
    },

    /** A service with short waits, so that the tests don't wait for long. */
    start: (service: ServiceName, { failpoint = '', env = {} } = {}) =>
      new ServiceProcess(
        service,
        {
          ...stack.endpoints,
          ...{ KAFKA_SESSION_TIMEOUT_MS: '6000', LAKE_MAX_AGE_SECONDS: '1', POSTGRES_MAX_AGE_SECONDS: '1' },
          ...env,
        },
        failpoint || undefined,
      ),

    /** Until the group has this many members, none of them joining. */
    members: (groupId: string, count: number) =>
      vi.waitFor(async () => {
        expect(await describeGroup(brokers, groupId)).toEqual({ state: 'Stable', members: count });
      }, recoveryMs),

    async stop(): Promise<void> {
      await producer.close();
      await broker.close();
      await stack.stop();
      rmSync(stateDir, { recursive: true, force: true });
    },
  };
}

export type Installation = Awaited<ReturnType<typeof startInstallation>>;

/** Events of two days and many windows, each with an id of its own. */
export function trackEvents(count: number): (EventRecord & { event_id: string })[] {
  return Array.from({ length: count }, (_, index) => ({
    event_id: randomUUID(),
    type: 'track',
    event_name: 'Seen',
    user_id: `user ${index % 7}`,
    occurred_at: eventTimeMs + (index % 2) * 86_400_000 + (index % 30) * 60_000,
    received_at: eventTimeMs + 2 * 86_400_000,
    weather_match: 'no_location',
  }));
}

/** A value that no schema fits. */
export const undecodable = (): OutputRecord => ({ key: randomUUID(), value: Buffer.from('not Avro') });

function emptyOf(type: unknown): unknown {
  if (Array.isArray(type)) return null;
  return type === 'string' ? '' : 0;
}
