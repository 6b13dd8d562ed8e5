import { setTimeout as sleep } from 'node:timers/promises';
import type { TopicPartition } from '@windrow/contracts';
import type { Consumer, EachBatchPayload, Kafka } from 'kafkajs';
import type { ConsumeOptions } from '../broker.ts';
import { kafkaError } from './errors.ts';
import { fetching } from './patches/fetched-record-batches.ts';

/** With kafkajs' default of 3 s, the group would stall that long when a member joins. */
export const heartbeatIntervalMs = 400;
/** A crashed member keeps its partitions for this long. Kafka's present default of 45 s would make a crash an outage. */
const defaultSessionTimeoutMs = 10_000;
const backoffMs = { first: 100, most: 5_000 };

/** A range of control records only. Offsets are in kafkajs' form, both included. */
export interface PassedRange extends TopicPartition {
  firstOffset: string;
  lastOffset: string;
  highWatermark: string;
}

export interface MemberHandler {
  joined(assignment: TopicPartition[]): void;
  batch(payload: EachBatchPayload): Promise<void>;
  passed(range: PassedRange): void;
}

/**
 * A member of a consumer group that survives outages. kafkajs stops a consumer after errors that it takes for final, such as
 * a refused connection while it looks for the group's coordinator. A new consumer then takes its place.
 */
export class GroupMember {
  readonly #kafka: Kafka;
  readonly #options: ConsumeOptions;
  readonly #sessionTimeoutMs: number;
  readonly #handler: MemberHandler;
  readonly #leaving = new AbortController();
  #consumer: Consumer;
  #isRejoining = false;

  constructor(
    kafka: Kafka,
    options: ConsumeOptions,
    sessionTimeoutMs = defaultSessionTimeoutMs,
    handler: MemberHandler,
  ) {
    this.#kafka = kafka;
    this.#options = options;
    this.#sessionTimeoutMs = sessionTimeoutMs;
    this.#handler = handler;
    this.#consumer = this.#newConsumer();
  }

  get consumer(): Consumer {
    return this.#consumer;
  }

  /** @throws WindrowError KAFKA_UNAVAILABLE, with nothing left open */
  async join(): Promise<void> {
    const consumer = this.#consumer;
    const { GROUP_JOIN, END_BATCH_PROCESS, CRASH } = consumer.events;
    consumer.on(GROUP_JOIN, ({ payload }) => {
      const assigned = Object.entries(payload.memberAssignment).flatMap(([topic, partitions]) =>
        partitions.map((partition) => ({ topic, partition })),
      );
      this.#handler.joined(assigned);
    });
    consumer.on(END_BATCH_PROCESS, ({ payload }) => {
      if (payload.batchSize > 0) return;
      // There is no first offset when compaction has removed all records: the fetch then started at the last one.
      this.#handler.passed({ ...payload, firstOffset: payload.firstOffset ?? payload.lastOffset });
    });
    consumer.on(CRASH, ({ payload }) => {
      if (!payload.restart) void this.#rejoin(payload.error);
    });
    try {
      await consumer.connect();
      await consumer.subscribe({ topics: this.#options.topics, fromBeginning: true });
      await fetching('recordBatches' in this.#options.handler ? 'recordBatches' : 'records', () =>
        consumer.run({
          autoCommit: false,
          eachBatchAutoResolve: false,
          partitionsConsumedConcurrently: this.#options.concurrency,
          eachBatch: (payload) => this.#handler.batch(payload),
        }),
      );
    } catch (cause) {
      await consumer.disconnect().catch(() => undefined);
      throw kafkaError(
        `let group ${this.#options.groupId} consume ${this.#options.topics.join(', ')}`,
        cause,
      );
    }
  }

  async #rejoin(reason: Error): Promise<void> {
    const { signal } = this.#leaving;
    let error: unknown = reason;
    this.#isRejoining = true;
    for (let failures = 1; !signal.aborted && this.#isRejoining; failures++) {
      this.#options.onAssignment?.(kafkaError('keep the consumer running', error).message, []);
      await backoff(failures, signal);
      if (signal.aborted) return;
      this.#consumer = this.#newConsumer();
      try {
        await this.join();
        this.#isRejoining = false;
      } catch (cause) {
        error = cause;
      }
    }
    if (signal.aborted) await this.#consumer.disconnect().catch(() => undefined);
  }

  /** While Kafka is away, connecting takes longer than a stop may. A consumer that is still connecting leaves afterwards. */
  async leave(): Promise<void> {
    this.#leaving.abort();
    if (!this.#isRejoining) await this.#consumer.disconnect();
  }

  #newConsumer(): Consumer {
    return this.#kafka.consumer({
      groupId: this.#options.groupId,
      heartbeatInterval: heartbeatIntervalMs,
      sessionTimeout: this.#sessionTimeoutMs,
      rebalanceTimeout: 60_000,
      maxBytesPerPartition: 1_048_576,
      maxWaitTimeInMs: 250,
      allowAutoTopicCreation: false,
      readUncommitted: false,
      retry: {
        retries: 10,
        initialRetryTime: 200,
        maxRetryTime: 5_000,
        restartOnFailure: async () => !this.#leaving.signal.aborted,
      },
    });
  }
}

/** Waits with full jitter, so that members that failed together don't retry together. */
export async function backoff(failures: number, signal: AbortSignal): Promise<void> {
  const most = Math.min(backoffMs.most, backoffMs.first * 2 ** Math.min(failures, 10));
  await sleep(Math.random() * most, undefined, { signal }).catch(() => undefined);
}
