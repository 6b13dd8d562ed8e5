import {
  AvroCodec,
  type AvroRegistry,
  deadLetterSchema,
  deadLetterTopic,
  type EventRecord,
  partitionName,
  type TopicPartition,
} from '@windrow/contracts';
import type { Broker, InputRecord, TransactionalProducer } from './broker.ts';
import { deadLetterOf } from './dead-letter.ts';
import type { Outcome } from './decode-and-check.ts';

/** A record that becomes a dead letter, and the partition it was read from. */
export type RejectedRecord = Extract<Outcome, { kind: 'deadLetter' }> & { partition: number };

/** An upper bound of the difference between the brokers' clocks. */
const clockSkewMs = 600_000;

export interface DeadLettersOptions {
  broker: Broker;
  registry: AvroRegistry;
  /** The sink's consumer group, in which each partition has one owner at a time. */
  groupId: string;
  service: string;
  version: string;
}

/** The sender of an input partition's dead letters. Opening it in another process fences this one. */
interface Outlet {
  partition: number;
  producer: TransactionalProducer;
  /** The offsets from `since` on whose dead letters are in the topic. */
  sent: Set<number>;
  since: number;
}

interface Sending {
  outlet: Outlet;
  rejected: RejectedRecord[];
  /** The rejected record with the lowest offset. */
  first: InputRecord;
}

/**
 * Sends a sink's dead letters, exactly one for each rejected event. No transaction spans Kafka and the sink's store. So
 * dead letters are sent before the ledger passes their events, and after a crash in between, the next owner rejects the same
 * events again. Hence each input partition has a transactional producer: opening it ends the former owner's transaction and
 * fences that owner. Then the dead letters that are in the topic already are read, and only the others are sent.
 */
export class DeadLetters {
  readonly #options: DeadLettersOptions;
  readonly #codec: AvroCodec;
  #schemaId: number | undefined;
  /** By input partition. One is opened with the partition's first dead letter: most partitions never have one. */
  readonly #outlets = new Map<string, Outlet>();

  constructor(options: DeadLettersOptions) {
    this.#options = options;
    this.#codec = new AvroCodec(deadLetterSchema, options.registry);
  }

  /**
   * Fulfilled when the dead letters of all these records of a topic are committed. Only one call for a topic may run at a
   * time. `signal` ends the wait for other transactions, which can take until their timeout.
   * @throws WindrowError KAFKA_FENCED if another process has taken over a partition: read the ledger again;
   * KAFKA_TRANSACTION_FAILED, KAFKA_UNAVAILABLE or REGISTRY_UNAVAILABLE: call again
   */
  async send(
    feed: { stream: string; topic: string },
    rejected: readonly RejectedRecord[],
    signal: AbortSignal,
  ): Promise<void> {
    if (rejected.length === 0) return;
    this.#schemaId ??= await this.#options.registry.register(deadLetterTopic.name, deadLetterSchema);
    const schemaId = this.#schemaId;
    const sendings = await settled(
      [...Map.groupBy(rejected, ({ partition }) => partition)].map(
        async ([partition, of]): Promise<Sending> => {
          const first = of.map(({ input }) => input).reduce((a, b) => (b.offset < a.offset ? b : a));
          return { outlet: await this.#open(feed.topic, partition), rejected: of, first };
        },
      ),
    );
    await this.#readSent(
      feed.topic,
      sendings.filter(({ outlet, first }) => first.offset < outlet.since),
      signal,
    );
    for (const { outlet, first } of sendings) {
      outlet.since = first.offset;
      for (const offset of outlet.sent) if (offset < first.offset) outlet.sent.delete(offset);
    }
    await settled(sendings.map((sending) => this.#sendMissing(feed, sending, schemaId)));
  }

  async #open(topic: string, partition: number): Promise<Outlet> {
    const name = partitionName({ topic, partition });
    const open = this.#outlets.get(name);
    if (open) return open;
    const { broker, groupId } = this.#options;
    const producer = await broker.transactionalProducer(`${groupId}-${topic}-${partition}-dead-letters`);
    const outlet = { partition, producer, sent: new Set<number>(), since: Number.POSITIVE_INFINITY };
    this.#outlets.set(name, outlet);
    return outlet;
  }

  async #readSent(topic: string, sendings: Sending[], signal: AbortSignal): Promise<void> {
    if (sendings.length === 0) return;
    const sinceMs = Math.min(...sendings.map(({ first }) => first.timestampMs));
    const byPartition = new Map(sendings.map((sending) => [sending.outlet.partition, sending]));
    await this.#readLetters(sinceMs, signal, (letter) => {
      if (letter.service !== this.#options.service || letter.topic !== topic) return;
      const { outlet, first } = byPartition.get(Number(letter.partition)) ?? {};
      const offset = Number(letter.offset);
      if (outlet && first && offset >= first.offset) outlet.sent.add(offset);
    });
  }

  /** Reads all dead letters that can be of records from this time on: a dead letter is not older than its record. */
  async #readLetters(
    sinceMs: number,
    signal: AbortSignal,
    onLetter: (letter: EventRecord) => void,
  ): Promise<void> {
    const { broker } = this.#options;
    const { name: topic } = deadLetterTopic;
    // Committed dead letters may lie behind the open transaction of another partition.
    const ends = await broker.highWatermarks(topic);
    const starts = await broker.offsetsAt(topic, Math.max(0, sinceMs - clockSkewMs));
    const from = new Map([...starts].filter(([partition, start]) => start < (ends.get(partition) ?? 0)));
    if (from.size === 0) return;
    const reader = await broker.read({
      topic,
      from,
      onBatch: async ({ records }) => {
        for (const result of await this.#codec.decode(records.map(({ value }) => value)))
          if (result.ok) onLetter(result.record);
      },
    });
    try {
      await reader.reached(
        new Map([...from.keys()].map((partition) => [partition, ends.get(partition) ?? 0])),
        signal,
      );
    } finally {
      await reader.close();
    }
  }

  async #sendMissing(
    { stream, topic }: { stream: string; topic: string },
    { outlet: { partition, producer, sent }, rejected }: Sending,
    schemaId: number,
  ): Promise<void> {
    const { service, version } = this.#options;
    const missing = rejected.filter(({ input }) => !sent.has(input.offset));
    if (missing.length === 0) return;
    const records = missing.map((record) => {
      const letter = deadLetterOf(record, { stream, topic, partition, service, version });
      return { key: partitionName({ topic, partition }), value: this.#codec.encode({ ...letter }, schemaId) };
    });
    try {
      await producer.commit([{ topic: deadLetterTopic.name, records }]);
    } catch (error) {
      // Whether the transaction was committed is known when the topic is read again.
      await this.#close(partitionName({ topic, partition }));
      throw error;
    }
    for (const { input } of missing) sent.add(input.offset);
  }

  /** Closes the senders of all partitions but these: other processes own them now. */
  async retain(partitions: readonly TopicPartition[]): Promise<void> {
    const retained = new Set(partitions.map(partitionName));
    const lost = [...this.#outlets.keys()].filter((name) => !retained.has(name));
    await Promise.all(lost.map((name) => this.#close(name)));
  }

  async #close(name: string): Promise<void> {
    const outlet = this.#outlets.get(name);
    this.#outlets.delete(name);
    await outlet?.producer.close();
  }

  close(): Promise<void> {
    return this.retain([]);
  }
}

/** Awaits all calls. @throws the first error */
async function settled<T>(calls: Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(calls);
  return Promise.all(calls);
}
