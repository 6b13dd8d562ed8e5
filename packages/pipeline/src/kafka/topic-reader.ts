import { randomUUID } from 'node:crypto';
import type { Kafka } from 'kafkajs';
import type { FetchedBatch, PartitionOffset, ReadOptions, TopicReader } from '../broker.ts';
import { KafkaGroupConsumer } from './group-consumer.ts';

interface Waiter {
  offsets: Map<number, number>;
  resolve: () => void;
}

/** kafkajs reads in consumer groups only. This one has a random name and commits nothing, so it leaves nothing behind. */
export class KafkaTopicReader implements TopicReader {
  readonly failed: Promise<never>;
  readonly #consumer: KafkaGroupConsumer;
  readonly #positions: Map<number, number>;
  readonly #topic: string;
  readonly #onBatch: ReadOptions['onBatch'];
  #waiters: Waiter[] = [];

  /** `starts`: partition → first offset. */
  constructor(kafka: Kafka, { topic, onBatch }: ReadOptions, starts: Map<number, number>) {
    this.#topic = topic;
    this.#onBatch = onBatch;
    this.#positions = new Map(starts);
    this.#consumer = new KafkaGroupConsumer(kafka, {
      groupId: `windrow-reader-${randomUUID()}`,
      topics: [topic],
      concurrency: 1,
      handler: {
        assigned: async () => this.#starts(),
        batch: (batch) => this.#batch(batch),
      },
    });
    this.failed = this.#consumer.failed;
  }

  async start(): Promise<this> {
    await this.#consumer.start();
    return this;
  }

  #starts(): PartitionOffset[] {
    return [...this.#positions].map(([partition, offset]) => ({ topic: this.#topic, partition, offset }));
  }

  async #batch(batch: FetchedBatch): Promise<void> {
    await this.#onBatch(batch);
    this.#positions.set(batch.partition, batch.nextOffset);
    this.#waiters = this.#waiters.filter((waiter) => {
      if (!this.#isAt(waiter.offsets)) return true;
      waiter.resolve();
      return false;
    });
  }

  #isAt(offsets: Map<number, number>): boolean {
    for (const [partition, offset] of offsets)
      if ((this.#positions.get(partition) ?? 0) < offset) return false;
    return true;
  }

  async reached(offsets: Map<number, number>, signal?: AbortSignal): Promise<void> {
    if (this.#isAt(offsets)) return;
    const waiter = Promise.withResolvers<void>();
    const waiting: Waiter = { offsets, resolve: waiter.resolve };
    this.#waiters.push(waiting);
    const give = () => waiter.reject(signal?.reason);
    if (signal?.aborted) give();
    signal?.addEventListener('abort', give, { once: true });
    try {
      await Promise.race([waiter.promise, this.failed]);
    } finally {
      signal?.removeEventListener('abort', give);
      this.#waiters = this.#waiters.filter((other) => other !== waiting);
    }
  }

  close(): Promise<void> {
    return this.#consumer.stop();
  }
}
