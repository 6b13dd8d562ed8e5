import { retry } from '@windrow/runtime';
import kafkajs, { type Admin, type Kafka, type logCreator } from 'kafkajs';
import type {
  Broker,
  ConsumeOptions,
  GroupConsumer,
  GroupPartition,
  Producer,
  ReadOptions,
  TopicCreation,
  TopicDescription,
  TopicReader,
  TransactionalProducer,
} from '../broker.ts';
import { registerCompression } from './compression.ts';
import { isLeaderUnknown, isUnstableOffset, kafkaError } from './errors.ts';
import { KafkaGroupConsumer } from './group-consumer.ts';
import { applyPatches } from './patches/apply-patches.ts';
import { withHighWatermarks } from './patches/high-watermarks.ts';
import { reusedBufferSocket } from './patches/response-framing.ts';
import { withStableOffsets } from './patches/stable-offsets.ts';
import { openProducer, openTransactionalProducer } from './producers.ts';
import { throttleRepeats } from './throttle-repeats.ts';
import { KafkaTopicReader } from './topic-reader.ts';

export interface KafkaBrokerOptions {
  /** `host:port` of some brokers. */
  brokers: string[];
  clientId: string;
  /** How long a consumer group waits for a member's heartbeat before its partitions go to others. Default: 10 s. */
  sessionTimeoutMs?: number;
  /** Gets kafkajs' warnings and errors. A message that repeats comes once a minute. */
  onLog?: (level: 'warn' | 'error', message: string, details: object) => void;
}

/** A {@link Broker} that talks to a Kafka cluster (tested with 4.3) through kafkajs. It keeps one admin connection until `close`. */
export class KafkaBroker implements Broker {
  readonly #kafka: Kafka;
  readonly #sessionTimeoutMs: number | undefined;
  #admin: Promise<Admin> | undefined;

  constructor({ brokers, clientId, sessionTimeoutMs, onLog }: KafkaBrokerOptions) {
    this.#sessionTimeoutMs = sessionTimeoutMs;
    registerCompression();
    const Client = applyPatches();
    const log = onLog && throttleRepeats(onLog);
    const logger: logCreator =
      () =>
      ({ level, log: { message, timestamp: _, logger: __, ...details } }) =>
        log?.(level === kafkajs.logLevel.ERROR ? 'error' : 'warn', message, details);
    this.#kafka = new Client({
      brokers,
      clientId,
      socketFactory: reusedBufferSocket,
      logLevel: kafkajs.logLevel.WARN,
      logCreator: logger,
      connectionTimeout: 5_000,
      requestTimeout: 30_000,
      retry: { retries: 8, initialRetryTime: 100, maxRetryTime: 5_000 },
    });
  }

  async consume(options: ConsumeOptions): Promise<GroupConsumer> {
    return new KafkaGroupConsumer(this.#kafka, options, this.#sessionTimeoutMs).start();
  }

  async read(options: ReadOptions): Promise<TopicReader> {
    const starts = options.from ?? (await this.startOffsets(options.topic));
    return new KafkaTopicReader(this.#kafka, options, starts).start();
  }

  producer(): Promise<Producer> {
    return openProducer(this.#kafka);
  }

  transactionalProducer(transactionalId: string, moves?: GroupPartition): Promise<TransactionalProducer> {
    return openTransactionalProducer(this.#kafka, transactionalId, moves);
  }

  async createTopics(topics: TopicCreation[]): Promise<string[]> {
    const existing = new Set(
      (await this.describeTopics(topics.map(({ name }) => name))).map(({ name }) => name),
    );
    const missing = topics.filter(({ name }) => !existing.has(name));
    if (missing.length === 0) return [];
    await this.#ask('create topics', (admin) =>
      admin.createTopics({
        waitForLeaders: false,
        topics: missing.map(({ name, partitions, config }) => ({
          topic: name,
          numPartitions: partitions,
          configEntries: Object.entries(config).map(([key, value]) => ({ name: key, value })),
        })),
      }),
    );
    const names = missing.map(({ name }) => name);
    // Metadata lags behind the creation. Until it has arrived, kafkajs fails with an error that it doesn't retry.
    await retry(
      () => this.#ask('elect leaders for new topics', (admin) => admin.fetchTopicMetadata({ topics: names })),
      {
        attempts: 30,
        capMs: 2_000,
      },
    );
    return names;
  }

  async describeTopics(names: string[]): Promise<TopicDescription[]> {
    const existing = new Set(await this.#ask('list topics', (admin) => admin.listTopics()));
    const wanted = names.filter((name) => existing.has(name));
    if (wanted.length === 0) return [];
    const { topics } = await this.#ask('describe topics', (admin) =>
      admin.fetchTopicMetadata({ topics: wanted }),
    );
    return topics.map(({ name, partitions }) => ({ name, partitions: partitions.length }));
  }

  async endOffsets(topic: string): Promise<Map<number, number>> {
    const offsets = await this.#askLeaders(`return the end offsets of ${topic}`, (admin) =>
      admin.fetchTopicOffsets(topic),
    );
    return new Map(offsets.map(({ partition, high }) => [partition, Number(high)]));
  }

  highWatermarks(topic: string): Promise<Map<number, number>> {
    return withHighWatermarks(() => this.endOffsets(topic));
  }

  async startOffsets(topic: string): Promise<Map<number, number>> {
    const offsets = await this.#askLeaders(`return the start offsets of ${topic}`, (admin) =>
      admin.fetchTopicOffsets(topic),
    );
    return new Map(offsets.map(({ partition, low }) => [partition, Number(low)]));
  }

  async offsetsAt(topic: string, timestampMs: number): Promise<Map<number, number>> {
    const offsets = await this.#askLeaders(`return the offsets of ${topic} by time`, (admin) =>
      admin.fetchTopicOffsetsByTimestamp(topic, timestampMs),
    );
    return new Map(offsets.map(({ partition, offset }) => [partition, Number(offset)]));
  }

  async committedOffsets(groupId: string, topic: string): Promise<Map<number, number>> {
    const topics = await this.#ask(`return the offsets of group ${groupId}`, (admin) =>
      admin.fetchOffsets({ groupId, topics: [topic] }),
    );
    const partitions = topics[0]?.partitions ?? [];
    // kafkajs asks for the partitions it knows. While its metadata changes these can be none, which is not "no offset".
    if (partitions.length === 0)
      throw kafkaError(
        `return the offsets of group ${groupId}`,
        `the metadata of ${topic} has no partitions yet`,
      );
    const known = partitions.filter(({ offset }) => Number(offset) >= 0);
    return new Map(known.map(({ partition, offset }) => [partition, Number(offset)]));
  }

  async stableOffsets(
    groupId: string,
    topic: string,
    partitions: readonly number[],
  ): Promise<Map<number, number>> {
    if (partitions.length === 0) return new Map();
    return retry(() => withStableOffsets(partitions, () => this.committedOffsets(groupId, topic)), {
      attempts: 60,
      baseMs: 5,
      capMs: 1_000,
      retriable: isUnstableOffset,
    });
  }

  async close(): Promise<void> {
    const admin = await this.#admin?.catch(() => undefined);
    this.#admin = undefined;
    await admin?.disconnect();
  }

  /** Retries for some seconds while a partition's leader is not known. */
  #askLeaders<T>(what: string, call: (admin: Admin) => Promise<T>): Promise<T> {
    return retry(() => this.#ask(what, call), {
      attempts: 12,
      baseMs: 10,
      capMs: 500,
      retriable: isLeaderUnknown,
    });
  }

  async #ask<T>(what: string, call: (admin: Admin) => Promise<T>): Promise<T> {
    try {
      this.#admin ??= this.#connectAdmin();
      return await call(await this.#admin);
    } catch (cause) {
      throw kafkaError(what, cause);
    }
  }

  async #connectAdmin(): Promise<Admin> {
    const admin = this.#kafka.admin();
    try {
      await admin.connect();
      return admin;
    } catch (cause) {
      // The next call must try to connect again.
      this.#admin = undefined;
      throw cause;
    }
  }
}
