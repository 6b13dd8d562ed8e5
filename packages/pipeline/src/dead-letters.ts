import type { TopicPartition } from '@windrow/contracts';
import {
  AvroCodec,
  type AvroRegistry,
  deadLetterSchema,
  deadLetterTopic,
  type EventRecord,
} from '@windrow/contracts';
import type { Broker, InputRecord, TransactionalProducer } from './broker.ts';
import { deadLetterOf } from './dead-letter.ts';
import type { Outcome } from './examine.ts';

/** A record that can't go on, and the partition it was read from. */
export type Refusal = Extract<Outcome, { kind: 'deadLetter' }> & { partition: number };

/** By how much the brokers' clocks may differ. */
const clockSkewMs = 600_000;

export interface DeadLettersOptions {
  broker: Broker;
  registry: AvroRegistry;
  /** The sink's consumer group: its partitions have one owner at a time. */
  groupId: string;
  service: string;
  version: string;
}

/** By its producer the only process that can send an input partition's dead letters, until another one opens the same. */
interface Outlet {
  partition: number;
  producer: TransactionalProducer;
  /** The offsets, from `since` on, whose dead letters are in the topic. */
  sent: Set<number>;
  since: number;
}

interface Sending {
  outlet: Outlet;
  refusals: Refusal[];
  /** The refused record with the lowest offset. */
  first: InputRecord;
}

/**
 * The dead letters of a sink, each event's once. No transaction spans Kafka and the sink's store, so dead letters are sent
 * before the ledger passes their events, and after a crash in between the next owner comes to the same events again. Hence
 * a transactional producer for each input partition: its opening settles what the former owner has sent, and shuts it out.
 * Only then the topic is looked through for the dead letters that are there already, and the others are sent.
 */
export class DeadLetters {
  readonly #options: DeadLettersOptions;
  readonly #codec: AvroCodec;
  #schemaId: number | undefined;
  /** By input partition; opened with its first dead letter: most partitions never have one. */
  readonly #outlets = new Map<string, Outlet>();

  constructor(options: DeadLettersOptions) {
    this.#options = options;
    this.#codec = new AvroCodec(deadLetterSchema, options.registry);
  }

  /**
   * Fulfilled when the dead letters of all these records of a topic are safe. One call for a topic at a time. `signal` ends
   * the waiting for transactions of others, which may take their timeout. Errors: KAFKA_FENCED, where another process has
   * taken a partition over: then the ledger is to be read again; KAFKA_TRANSACTION_FAILED, KAFKA_UNAVAILABLE,
   * REGISTRY_UNAVAILABLE: call again.
   */
  async send(
    feed: { stream: string; topic: string },
    refusals: readonly Refusal[],
    signal: AbortSignal,
  ): Promise<void> {
    if (refusals.length === 0) return;
    this.#schemaId ??= await this.#options.registry.register(deadLetterTopic.name, deadLetterSchema);
    const schemaId = this.#schemaId;
    const sendings = await settled(
      [...Map.groupBy(refusals, ({ partition }) => partition)].map(
        async ([partition, of]): Promise<Sending> => {
          const first = of.map(({ input }) => input).reduce((a, b) => (b.offset < a.offset ? b : a));
          return { outlet: await this.#open(feed.topic, partition), refusals: of, first };
        },
      ),
    );
    await this.#lookBack(
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
    const name = nameOf({ topic, partition });
    const open = this.#outlets.get(name);
    if (open) return open;
    const { broker, groupId } = this.#options;
    const producer = await broker.transactionalProducer(`${groupId}-${topic}-${partition}-dead-letters`);
    const outlet = { partition, producer, sent: new Set<number>(), since: Number.POSITIVE_INFINITY };
    this.#outlets.set(name, outlet);
    return outlet;
  }

  async #lookBack(topic: string, sendings: Sending[], signal: AbortSignal): Promise<void> {
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

  /** All that may be about records from this time on: a dead letter is not older than its record. */
  async #readLetters(
    sinceMs: number,
    signal: AbortSignal,
    onLetter: (letter: EventRecord) => void,
  ): Promise<void> {
    const { broker } = this.#options;
    const { name: topic } = deadLetterTopic;
    // What is committed by now may lie behind a transaction of another partition that is still open.
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
    { outlet: { partition, producer, sent }, refusals }: Sending,
    schemaId: number,
  ): Promise<void> {
    const { service, version } = this.#options;
    const missing = refusals.filter(({ input }) => !sent.has(input.offset));
    if (missing.length === 0) return;
    const records = missing.map((refusal) => {
      const letter = deadLetterOf(refusal, { stream, topic, partition, service, version });
      return { key: nameOf({ topic, partition }), value: this.#codec.encode({ ...letter }, schemaId) };
    });
    try {
      await producer.commit([{ topic: deadLetterTopic.name, records }]);
    } catch (error) {
      // Whether it was committed is seen when the topic is looked through again.
      await this.#close(nameOf({ topic, partition }));
      throw error;
    }
    for (const { input } of missing) sent.add(input.offset);
  }

  /** Closes what is open for other partitions than these: they have been lost. */
  async retain(partitions: readonly TopicPartition[]): Promise<void> {
    const retained = new Set(partitions.map(nameOf));
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

const nameOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`;

/** @throws the first error, when none of the calls is under way any more */
async function settled<T>(calls: Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(calls);
  return Promise.all(calls);
}
