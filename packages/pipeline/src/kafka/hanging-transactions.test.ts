import { randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import kafkajs from 'kafkajs';
import { expect, inject, test, vi } from 'vitest';
import { KafkaBroker } from './kafka-broker.ts';

const brokers = (inject('endpoints').KAFKA_BROKERS ?? '').split(',');
const txnOffsetCommit = 28;
const verification = 'transaction.partition.verification.enable';

/** A client that keeps the bytes of its next TxnOffsetCommit back. */
function holding() {
  const held: { bytes: Buffer; host: string; port: number }[] = [];
  let holds = false;
  const kafka = new kafkajs.Kafka({
    brokers,
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { retries: 5, initialRetryTime: 10 },
    socketFactory: ({ host, port, onConnect }): Socket => {
      const socket = connect({ host, port }, onConnect);
      const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
      socket.write = ((bytes: Buffer, ...rest: unknown[]) => {
        // A request begins with its size (int32) and the call's number (int16).
        if (!holds || bytes.readInt16BE(4) !== txnOffsetCommit) return write(bytes, ...rest);
        held.push({ bytes: Buffer.from(bytes), host, port });
        socket.destroy(new Error('held'));
        return true;
      }) as Socket['write'];
      return socket;
    },
  });
  return {
    kafka,
    hold: (on: boolean) => {
      holds = on;
    },
    /** The broker's answer to what was held, sent at last. */
    release: () =>
      new Promise<Buffer>((resolve, reject) => {
        const { bytes, host, port } = held[0] ?? { bytes: Buffer.alloc(0), host: '', port: 0 };
        const socket = connect({ host, port }, () => socket.write(bytes));
        socket.once('error', reject);
        socket.once('data', (answer: Buffer) => {
          socket.destroy();
          resolve(answer);
        });
      }),
  };
}

/** Kafka refuses late records of a transaction that has ended (KIP-890); not in all its faults, so here it is told not to. */
async function withoutVerification<T>(kafka: kafkajs.Kafka, call: () => Promise<T>): Promise<T> {
  const admin = kafka.admin();
  await admin.connect();
  const { brokers: nodes } = await admin.describeCluster();
  const alter = (configEntries: { name: string; value: string }[]) =>
    admin.alterConfigs({
      validateOnly: false,
      resources: nodes.map(({ nodeId }) => ({
        type: kafkajs.ConfigResourceTypes.BROKER,
        name: String(nodeId),
        configEntries,
      })),
    });
  await alter([{ name: verification, value: 'false' }]);
  try {
    return await call();
  } finally {
    await alter([]);
    await admin.disconnect();
  }
}

test('a new owner ends the hanging transaction of offsets that a former one has left', async () => {
  const broker = new KafkaBroker({ brokers, clientId: 'hanging-transactions-test' });
  const topic = `test-${randomUUID()}`;
  const moves = { groupId: `${topic}-group`, topic, partition: 0 };
  const outputs = [{ topic, records: [{ key: null, value: Buffer.from('x'), partition: 0 }] }];
  const to = (offset: number) => ({ groupId: moves.groupId, offsets: [{ topic, partition: 0, offset }] });
  await broker.createTopics([{ name: topic, partitions: 1, config: {} }]);
  const first = await broker.transactionalProducer(topic, moves);
  await first.commit(outputs, to(1));
  await first.close();

  const { kafka, hold, release } = holding();
  const former = kafka.producer({ transactionalId: topic, idempotent: true, maxInFlightRequests: 1 });
  await former.connect();
  const late = await former.transaction();
  hold(true);
  const topics = [{ topic, partitions: [{ partition: 0, offset: '2' }] }];
  await expect(late.sendOffsets({ consumerGroupId: moves.groupId, topics })).rejects.toThrow('held');
  hold(false);
  await late.abort();
  // Kafka lets the next one begin when it has written all that ends the one before.
  const next = await former.transaction();
  await next.send({ topic, messages: [{ value: 'y' }] });
  await next.abort();
  await withoutVerification(kafka, () =>
    vi.waitFor(async () => {
      const answer = await release();
      expect(answer.readInt16BE(answer.length - 2)).toBe(0);
    }, 20_000),
  );
  let isRead = false;
  const offsets = broker.stableOffsets(moves.groupId, topic, [0]).then((read) => {
    isRead = true;
    return read;
  });
  const other = await broker.transactionalProducer(`${topic}-other`);
  await other.commit(outputs);
  expect(isRead).toBe(false);

  const owner = await broker.transactionalProducer(topic, moves);
  expect(await offsets).toEqual(new Map([[0, 1]]));
  await owner.commit(outputs, to(2));
  expect(await broker.stableOffsets(moves.groupId, topic, [0])).toEqual(new Map([[0, 2]]));
  await Promise.all([owner.close(), other.close(), former.disconnect()]);
  await broker.close();
}, 120_000);
