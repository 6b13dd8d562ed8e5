import { randomUUID } from 'node:crypto';
import kafkajs from 'kafkajs';
import { kafkaError } from './errors.ts';

/**
 * Shows that a broker can be used, which an open port does not: its coordinators answer "loading" for a second after it is
 * open. A transaction is committed, a member of a consumer group reads its record, and what was created is deleted.
 * @throws WindrowError KAFKA_UNAVAILABLE, retriable
 */
export async function probeKafka(brokers: string[], timeoutMs: number): Promise<void> {
  const name = `windrow-ready-${randomUUID()}`;
  const client = new kafkajs.Kafka({
    clientId: 'windrow-probe',
    brokers,
    connectionTimeout: timeoutMs,
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { initialRetryTime: 50, maxRetryTime: 200, retries: 30 },
  });
  const admin = client.admin({ retry: { retries: 1 } });
  const producer = client.producer({ transactionalId: name, idempotent: true, maxInFlightRequests: 1 });
  const consumer = client.consumer({ groupId: name, heartbeatInterval: 300, maxWaitTimeInMs: 100 });
  try {
    await admin.connect();
    await admin.createTopics({ topics: [{ topic: name, numPartitions: 1 }] });
    await Promise.all([producer.connect(), consumer.connect()]);
    await consumer.subscribe({ topic: name, fromBeginning: true });
    const read = Promise.withResolvers<void>();
    // It joins the group while the transaction is under way.
    consumer.run({ autoCommit: false, eachMessage: async () => read.resolve() }).catch(read.reject);
    const transaction = await producer.transaction();
    await transaction.send({ topic: name, messages: [{ value: 'ready' }] });
    await transaction.commit();
    const timer = setTimeout(
      () => read.reject(new Error(`a consumer group read nothing within ${timeoutMs} ms`)),
      timeoutMs,
    );
    await read.promise.finally(() => clearTimeout(timer));
  } catch (cause) {
    throw kafkaError('pass a record from a transaction to a consumer group', cause);
  } finally {
    await Promise.allSettled([consumer.disconnect(), producer.disconnect()]);
    await admin.deleteTopics({ topics: [name] }).catch(() => undefined);
    await admin.deleteGroups([name]).catch(() => undefined);
    await admin.disconnect().catch(() => undefined);
  }
}
