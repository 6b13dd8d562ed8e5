import { randomUUID } from 'node:crypto';
import { AvroRegistry, loadStreams, type StreamContract, topicsOf } from '@windrow/contracts';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { applyStreams } from './apply.ts';
import { KafkaBroker } from './kafka/kafka-broker.ts';

const { KAFKA_BROKERS = '', SCHEMA_REGISTRY_URL = '' } = inject('endpoints');
let broker: KafkaBroker;
beforeAll(() => {
  broker = new KafkaBroker({ brokers: KAFKA_BROKERS.split(','), clientId: 'apply-test' });
});
afterAll(() => broker.close());

test('an input topic that is there already decides the partitions of its output', async () => {
  const prefix = randomUUID();
  const contracts = (await loadStreams()).map((contract): StreamContract => {
    const named = <T extends { name: string }>(topic: T) => ({ ...topic, name: `${prefix}.${topic.name}` });
    const { raw, enriched } = contract.topics;
    return { ...contract, topics: { raw: named(raw), ...(enriched && { enriched: named(enriched) }) } };
  });
  await broker.createTopics([{ name: `${prefix}.track.raw`, partitions: 5, config: {} }]);
  await applyStreams(contracts, { broker, registry: new AvroRegistry(SCHEMA_REGISTRY_URL), partitions: 2 });
  expect(await broker.describeTopics([`${prefix}.track.enriched`])).toMatchObject([{ partitions: 5 }]);
});

test('topics and subjects are made once, and a second time changes nothing', async () => {
  const contracts = await loadStreams();
  const names = topicsOf(contracts).map(({ topic }) => topic.name);
  const options = { broker, registry: new AvroRegistry(SCHEMA_REGISTRY_URL), partitions: 3 };
  const first = await applyStreams(contracts, options);
  expect([...first.created, ...first.existing].sort()).toEqual([...names].sort());
  const second = await applyStreams(contracts, { ...options, partitions: 5 });
  expect(second.created).toEqual([]);
  expect(second.schemaIds).toEqual(first.schemaIds);
  const partitions = new Map(
    (await broker.describeTopics(names)).map((topic) => [topic.name, topic.partitions]),
  );
  expect(partitions.get('accounts')).toBe(1);
  // The enricher writes to the partition that it reads from, so both topics have the same number of partitions.
  expect(partitions.get('track.enriched')).toBe(partitions.get('track.raw'));
});
