import { randomUUID } from 'node:crypto';
import { expect, inject, test } from 'vitest';
import { KafkaBroker } from './kafka-broker.ts';

const brokers = (inject('endpoints').KAFKA_BROKERS ?? '').split(',');

test('the offsets of topics that were made just now can be asked for, of all of them at once', async () => {
  for (let round = 0; round < 5; round++) {
    const broker = new KafkaBroker({ brokers, clientId: 'topic-offsets-test' });
    const topics = Array.from({ length: 6 }, () => `test-${randomUUID()}`);
    await broker.createTopics(topics.map((name) => ({ name, partitions: 2, config: {} })));
    const zeroes = new Map([
      [0, 0],
      [1, 0],
    ]);
    const asked = topics.flatMap((topic) => [
      broker.endOffsets(topic),
      broker.startOffsets(topic),
      broker.highWatermarks(topic),
      broker.offsetsAt(topic, 0),
    ]);
    for (const answer of await Promise.all(asked)) expect(answer).toEqual(zeroes);
    await broker.close();
  }
});
