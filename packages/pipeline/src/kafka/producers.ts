import { failpoint, retry, WindrowError } from '@windrow/runtime';
import type { Kafka, Producer as KafkaProducer, Transaction } from 'kafkajs';
import type {
  GroupPartition,
  PartitionOffset,
  Producer,
  TopicOutput,
  TransactionalProducer,
} from '../broker.ts';
import { inCalls } from './chunks.ts';
import { isConcurrentTransaction, isFenced, kafkaError } from './errors.ts';
import { byKey } from './partitioner.ts';

const acksAll = -1;

interface GroupOffsets {
  groupId: string;
  offsets: PartitionOffset[];
}

/**
 * kafkajs takes back the sequence numbers of a call that failed, also when the broker has the records and only its answer
 * was lost. Other records under the same numbers would be taken for the repeated ones: acknowledged, and dropped. So one
 * call is under way at a time, and after a failure comes a new producer id.
 */
export async function openProducer(kafka: Kafka): Promise<Producer> {
  let producer: KafkaProducer | undefined = await connectIdempotent(kafka);
  let turn: Promise<unknown> = Promise.resolve();
  const sendAlone = async (outputs: TopicOutput[]): Promise<void> => {
    producer ??= await connectIdempotent(kafka);
    try {
      for (const topicMessages of inCalls(outputs))
        await producer.sendBatch({ acks: acksAll, topicMessages });
    } catch (cause) {
      await disconnectQuietly(producer);
      producer = undefined;
      throw kafkaError(`take records of ${outputs.map(({ topic }) => topic).join(', ')}`, cause);
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
    createPartitioner: byKey,
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
    createPartitioner: byKey,
    transactionTimeout: 60_000,
    allowAutoTopicCreation: false,
    // AddPartitionsToTxn is refused for some milliseconds after a transaction's end; kafkajs waits 300 ms by default.
    retry: { retries: 12, initialRetryTime: 10, maxRetryTime: 2_000 },
  });
  try {
    await producer.connect();
    // connect() takes a producer id without the transactional id; only a transaction's beginning fences the former owner.
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
    for (const topicMessages of inCalls(outputs))
      await transaction.sendBatch({ acks: acksAll, topicMessages });
    if (group) await moveOffsets(transaction, group);
    await transaction.commit();
  } catch (cause) {
    // Where the abort fails too, the next owner's takeover aborts what is open.
    if (transaction.isActive()) await transaction.abort().catch(() => undefined);
    throw cause;
  }
}

/**
 * A former owner's offsets that reached the group's log after their transaction's end, in spite of KIP-890, are waited for by
 * whoever asks for stable ones, and for ever: the coordinator knows of no transaction, and there is nothing to end. The end
 * of this transaction, which moves an offset of that log and is aborted, ends them too.
 */
function endHanging(fence: Transaction, { groupId, topic, partition }: GroupPartition): Promise<void> {
  return sendOffsets(fence, { groupId, offsets: [{ topic, partition, offset: 0 }] });
}

/** The failpoints are named for the enricher: nobody else moves offsets in a transaction. */
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
  // kafkajs doesn't retry AddOffsetsToTxn while the coordinator is still completing the transaction before.
  await retry(() => transaction.sendOffsets({ consumerGroupId: groupId, topics }), {
    attempts: 20,
    baseMs: 5,
    capMs: 500,
    retriable: isConcurrentTransaction,
  });
}

/** A connection that is gone already is what was wanted. */
async function disconnectQuietly(producer: KafkaProducer): Promise<void> {
  await producer.disconnect().catch(() => undefined);
}
