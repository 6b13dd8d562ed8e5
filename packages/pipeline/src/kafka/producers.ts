import { failpoint, retry, WindrowError } from '@windrow/runtime';
import type { Kafka, Producer as KafkaProducer, Transaction } from 'kafkajs';
import type {
  GroupPartition,
  PartitionOffset,
  Producer,
  TopicOutput,
  TransactionalProducer,
} from '../broker.ts';
import { isConcurrentTransaction, isFenced, kafkaError } from './errors.ts';
import { partitionByKey } from './partitioner.ts';
import { splitIntoRequests } from './request-batches.ts';

const acksAll = -1;

interface GroupOffsets {
  groupId: string;
  offsets: PartitionOffset[];
}

/**
 * An idempotent producer. After a failed call, kafkajs reuses its sequence numbers, even when the broker has stored the
 * records and only its response was lost. The broker would take other records with these numbers for duplicates: it would
 * acknowledge and drop them. So one call runs at a time, and a failure is followed by a new producer id.
 */
export async function openProducer(kafka: Kafka): Promise<Producer> {
  let producer: KafkaProducer | undefined = await connectIdempotent(kafka);
  let turn: Promise<unknown> = Promise.resolve();
  const sendAlone = async (outputs: TopicOutput[]): Promise<void> => {
    producer ??= await connectIdempotent(kafka);
    try {
      for (const topicMessages of splitIntoRequests(outputs))
        await producer.sendBatch({ acks: acksAll, topicMessages });
    } catch (cause) {
      await disconnectQuietly(producer);
      producer = undefined;
      throw kafkaError(`accept records for ${outputs.map(({ topic }) => topic).join(', ')}`, cause);
    }
  };
  return {
    send(outputs) {
      const sent = turn.then(() => sendAlone(outputs));
      turn = sent.catch(() => undefined);
      return sent;
    },
    async close() {
      await turn;
      if (producer) await disconnectQuietly(producer);
    },
  };
}

async function connectIdempotent(kafka: Kafka): Promise<KafkaProducer> {
  const producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    createPartitioner: partitionByKey,
    allowAutoTopicCreation: false,
  });
  try {
    await producer.connect();
    return producer;
  } catch (cause) {
    throw kafkaError('accept a producer', cause);
  }
}

export async function openTransactionalProducer(
  kafka: Kafka,
  transactionalId: string,
  moves?: GroupPartition,
): Promise<TransactionalProducer> {
  const producer = kafka.producer({
    transactionalId,
    idempotent: true,
    maxInFlightRequests: 1,
    createPartitioner: partitionByKey,
    transactionTimeout: 60_000,
    allowAutoTopicCreation: false,
    // For some milliseconds after a transaction's end, AddPartitionsToTxn fails. By default kafkajs waits 300 ms.
    retry: { retries: 12, initialRetryTime: 10, maxRetryTime: 2_000 },
  });
  try {
    await producer.connect();
    // connect() gets a producer id without the transactional id. Only the begin of a transaction fences the former owner.
    const fence = await producer.transaction();
    try {
      if (moves) await endHanging(fence, moves);
    } finally {
      await fence.abort();
    }
  } catch (cause) {
    await disconnectQuietly(producer);
    throw kafkaError(`begin transactions of ${transactionalId}`, cause);
  }
  return {
    async commit(outputs, group) {
      try {
        await runTransaction(producer, outputs, group);
      } catch (cause) {
        const code = isFenced(cause) ? 'KAFKA_FENCED' : 'KAFKA_TRANSACTION_FAILED';
        if (cause instanceof WindrowError) throw cause;
        throw kafkaError(`commit a transaction of ${transactionalId}`, cause, code);
      }
    },
    close: () => disconnectQuietly(producer),
  };
}

async function runTransaction(
  producer: KafkaProducer,
  outputs: TopicOutput[],
  group: GroupOffsets | undefined,
): Promise<void> {
  const transaction = await producer.transaction();
  try {
    for (const topicMessages of splitIntoRequests(outputs))
      await transaction.sendBatch({ acks: acksAll, topicMessages });
    if (group) await moveOffsets(transaction, group);
    await transaction.commit();
  } catch (cause) {
    // If the abort fails too, the next owner aborts the open transaction when it takes over.
    if (transaction.isActive()) await transaction.abort().catch(() => undefined);
    throw cause;
  }
}

/**
 * Ends a hanging transaction in the group's offsets. In spite of KIP-890, a former owner's offsets can reach the group's log
 * after their transaction's end. The coordinator knows no such transaction, so requests for stable offsets would wait for
 * ever. Aborting this transaction, which moves an offset in that log, ends the hanging one too.
 */
function endHanging(fence: Transaction, { groupId, topic, partition }: GroupPartition): Promise<void> {
  return sendOffsets(fence, { groupId, offsets: [{ topic, partition, offset: 0 }] });
}

/** The failpoints are named for the enricher, which alone moves offsets in a transaction. */
async function moveOffsets(transaction: Transaction, group: GroupOffsets): Promise<void> {
  await failpoint('enricher.transaction.afterOutputs');
  await sendOffsets(transaction, group);
  await failpoint('enricher.transaction.beforeEnd');
}

async function sendOffsets(transaction: Transaction, { groupId, offsets }: GroupOffsets): Promise<void> {
  const topics = offsets.map(({ topic, partition, offset }) => ({
    topic,
    partitions: [{ partition, offset: String(offset) }],
  }));
  // kafkajs doesn't retry AddOffsetsToTxn while the coordinator is still completing the former transaction.
  await retry(() => transaction.sendOffsets({ consumerGroupId: groupId, topics }), {
    attempts: 20,
    baseMs: 5,
    capMs: 500,
    retriable: isConcurrentTransaction,
  });
}

/** Ignores errors: the connection may be gone already. */
async function disconnectQuietly(producer: KafkaProducer): Promise<void> {
  await producer.disconnect().catch(() => undefined);
}
