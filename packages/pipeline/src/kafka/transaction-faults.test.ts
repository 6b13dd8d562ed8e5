import { randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import kafkajs from 'kafkajs';
import { expect, inject, test } from 'vitest';
import type { TransactionalProducer } from '../broker.ts';
import { KafkaBroker } from './kafka-broker.ts';
import { openTransactionalProducer } from './producers.ts';

const brokers = (inject('endpoints').KAFKA_BROKERS ?? '').split(',');

/** Kafka's numbers of the calls that a transaction is made of. */
const calls = {
  InitProducerId: 22,
  Produce: 0,
  AddPartitionsToTxn: 24,
  AddOffsetsToTxn: 25,
  TxnOffsetCommit: 28,
  EndTxn: 26,
} as const;

/** `request`: it is not sent. `answer`: the broker has done it, and the connection is cut before it can say so. */
type Lost = 'request' | 'answer';

/** A client whose connections are cut at one kind of call, the next `times` times. */
function cutting() {
  let armed: { call: number; lost: Lost; times: number } | undefined;
  let cuts = 0;
  const cut = (socket: Socket): void => {
    cuts += 1;
    if (armed && --armed.times === 0) armed = undefined;
    socket.destroy(new Error('cut'));
  };
  const kafka = new kafkajs.Kafka({
    brokers,
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { retries: 2, initialRetryTime: 10 },
    socketFactory: ({ host, port, onConnect }): Socket => {
      const socket = connect({ host, port }, onConnect);
      const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
      const emit = socket.emit.bind(socket);
      let awaited = false;
      socket.write = ((bytes: Buffer, ...rest: unknown[]) => {
        // A request begins with its size (int32) and the call's number (int16).
        if (armed?.call !== bytes.readInt16BE(4)) return write(bytes, ...rest);
        if (armed.lost === 'answer') {
          awaited = true;
          return write(bytes, ...rest);
        }
        cut(socket);
        return false;
      }) as Socket['write'];
      socket.emit = (event: string, ...args: unknown[]) => {
        if (event !== 'data' || !awaited) return emit(event, ...args);
        awaited = false;
        cut(socket);
        return true;
      };
      return socket;
    },
  });
  return {
    kafka,
    get cuts() {
      return cuts;
    },
    cutAt(call: number, lost: Lost, times: number) {
      armed = { call, lost, times };
    },
  };
}

const total = 6;

/** Copies numbers to a topic, one transaction each, as the owner of a partition does: after a failure it takes over anew. */
async function copyAll(broker: KafkaBroker, kafka: kafkajs.Kafka, topic: string, beforeThird: () => void) {
  const groupId = `${topic}-group`;
  const failures: unknown[] = [];
  let producer: TransactionalProducer | undefined;
  for (let attempt = 0; attempt < 20; attempt++) {
    try {
      producer = await openTransactionalProducer(kafka, `${topic}-0`, { groupId, topic, partition: 0 });
      const committed = await broker.stableOffsets(groupId, topic, [0]);
      for (let offset = committed.get(0) ?? 0; offset < total; offset++) {
        if (offset === 2 && failures.length === 0) beforeThird();
        const records = [{ key: null, value: Buffer.from(String(offset)), partition: 0 }];
        const offsets = [{ topic, partition: 0, offset: offset + 1 }];
        await producer.commit([{ topic, records }], { groupId, offsets });
      }
      await producer.close();
      return failures;
    } catch (error) {
      failures.push(error);
      await producer?.close();
      producer = undefined;
    }
  }
  throw new AggregateError(failures, 'it never came to the end');
}

async function committedValues(broker: KafkaBroker, topic: string): Promise<(string | undefined)[]> {
  const values: (string | undefined)[] = [];
  const reader = await broker.read({
    topic,
    onBatch: ({ records }) => void values.push(...records.map(({ value }) => value?.toString())),
  });
  await reader.reached(await broker.highWatermarks(topic));
  await reader.close();
  return values;
}

const expected = Array.from({ length: total }, (_, offset) => String(offset));
const losses = (Object.keys(calls) as (keyof typeof calls)[]).flatMap((call) =>
  (['request', 'answer'] as const).flatMap((lost) => [1, 4].map((times) => ({ call, lost, times }))),
);

test.concurrent.each(losses)(
  'where the $lost of $call is lost $times times in a row, each record is committed once',
  async ({ call, lost, times }) => {
    const broker = new KafkaBroker({ brokers, clientId: 'transaction-faults-test' });
    const topic = `test-${randomUUID()}`;
    await broker.createTopics([{ name: topic, partitions: 1, config: {} }]);
    const client = cutting();
    // A producer asks for its id when it is opened, all else is asked in the third transaction.
    if (call === 'InitProducerId') client.cutAt(calls[call], lost, times);
    const failures = await copyAll(broker, client.kafka, topic, () => {
      if (call !== 'InitProducerId') client.cutAt(calls[call], lost, times);
    });
    expect(client.cuts).toBe(times);
    for (const failure of failures) expect(failure).toMatchObject({ retriable: true });
    expect(await committedValues(broker, topic)).toEqual(expected);
    expect(await broker.stableOffsets(`${topic}-group`, topic, [0])).toEqual(new Map([[0, total]]));
    await broker.close();
  },
);
