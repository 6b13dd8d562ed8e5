import { randomUUID } from 'node:crypto';
import { AvroRegistry, deadLetterSchema, deadLetterTopic } from '@windrow/contracts';
import { inject } from 'vitest';
import { describeDestination, padding } from './testing/destination-contract.ts';
import { MemoryDestination, MemoryStore } from './testing/memory-destination.ts';

describeDestination('a destination in memory', async (broker) => {
  const registry = new AvroRegistry(inject('endpoints').SCHEMA_REGISTRY_URL);
  const topic = `memory.${randomUUID()}`;
  const config = { 'message.timestamp.type': 'LogAppendTime' };
  await broker.createTopics([
    { name: topic, partitions: 2, config },
    { name: deadLetterTopic.name, partitions: 1, config },
  ]);
  await registry.register(deadLetterTopic.name, deadLetterSchema);
  const store = new MemoryStore();
  const idOf = (text: string) => text.slice(0, text.indexOf(' '));
  let answers = 0;
  return {
    intake: 'records',
    open: async () => new MemoryDestination(topic, store),
    ...{ topic, partitions: 2, registry },
    encode: (id) => Buffer.from(`${id} ${padding(id)}`),
    poison: () => Buffer.from(''),
    ids: async () => store.rows.map(idOf),
    ledger: async () =>
      new Map([...store.ledger].map(([partition, { nextOffset }]) => [partition, nextOffset])),
    loseAnswer: () => {
      store.losesAnswer = true;
      answers += 1;
    },
    answersLost: () => answers - Number(store.losesAnswer),
  };
});
