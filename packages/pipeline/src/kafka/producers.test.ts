import { randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import kafkajs from 'kafkajs';
import { expect, inject, test } from 'vitest';
import { KafkaBroker } from './kafka-broker.ts';
import { openProducer } from './producers.ts';

const { KAFKA_BROKERS = '' } = inject('endpoints');
const brokers = KAFKA_BROKERS.split(',');

/** A client whose connections can be made to end just before an answer arrives. */
function cuttable() {
  let cut = false;
  const kafka = new kafkajs.Kafka({
    brokers,
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { retries: 1, initialRetryTime: 10 },
    socketFactory: ({ host, port, onConnect }): Socket => {
      const socket = connect({ host, port }, onConnect);
      const emit = socket.emit.bind(socket);
      socket.emit = (event: string, ...args: unknown[]) => {
        if (event !== 'data' || !cut) return emit(event, ...args);
        socket.destroy(new Error('cut before the answer'));
        return true;
      };
      return socket;
    },
  });
  return {
    kafka,
    cutAnswers: (on: boolean) => {
      cut = on;
    },
  };
}

test('after a call whose answer was lost, the next records are not taken for its repetition', async () => {
  const broker = new KafkaBroker({ brokers, clientId: 'producers-test' });
  const topic = `test-${randomUUID()}`;
  await broker.createTopics([{ name: topic, partitions: 1, config: {} }]);
  const { kafka, cutAnswers } = cuttable();
  const producer = await openProducer(kafka);
  const send = (text: string) =>
    producer.send([{ topic, records: [{ key: null, value: Buffer.from(text), partition: 0 }] }]);
  await send('a');
  cutAnswers(true);
  await expect(send('b')).rejects.toMatchObject({ code: 'KAFKA_UNAVAILABLE', retriable: true });
  cutAnswers(false);
  await send('c');
  await producer.close();
  const values: (string | undefined)[] = [];
  const reader = await broker.read({
    topic,
    onBatch: ({ records }) => void values.push(...records.map(({ value }) => value?.toString())),
  });
  await reader.reached(await broker.endOffsets(topic));
  await reader.close();
  await broker.close();
  // The broker had b, and c is there too: acknowledged means written.
  expect(values).toEqual(['a', 'b', 'c']);
});
