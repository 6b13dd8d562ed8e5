import kafkajs, { type Kafka } from 'kafkajs';
import type { OutputRecord } from '../../broker.ts';
import { registerCompression } from '../compression.ts';

export type Codec = 'GZIP' | 'Snappy' | 'LZ4' | 'ZSTD';

/** kafkajs as it is, without Windrow's patches: for the records of other people's producers. */
const foreignClient = (brokers: string[]): Kafka =>
  new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING });

/** Sends all records in one compressed batch for each partition, however large. */
export async function sendCompressed(
  brokers: string[],
  codec: Codec,
  { topic, records }: { topic: string; records: OutputRecord[] },
): Promise<void> {
  registerCompression();
  const producer = foreignClient(brokers).producer();
  await producer.connect();
  await producer
    .send({ topic, compression: kafkajs.CompressionTypes[codec], messages: records })
    .finally(() => producer.disconnect());
}

export interface OpenTransaction {
  abort(): Promise<void>;
  /** Leaves the transaction open, as a crash would. */
  disconnect(): Promise<void>;
}

/** Sends records in a transaction that stays open. */
export async function beginTransaction(
  brokers: string[],
  transactionalId: string,
  { topic, records }: { topic: string; records: OutputRecord[] },
): Promise<OpenTransaction> {
  const producer = foreignClient(brokers).producer({
    transactionalId,
    idempotent: true,
    maxInFlightRequests: 1,
  });
  await producer.connect();
  const transaction = await producer.transaction();
  await transaction.send({ topic, messages: records });
  return { abort: () => transaction.abort(), disconnect: () => producer.disconnect() };
}
