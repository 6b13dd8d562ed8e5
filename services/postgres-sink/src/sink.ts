import { setTimeout as sleep } from 'node:timers/promises';
import type { TopicPartition } from '@windrow/contracts';
import { type AvroRegistry, deadLetterTopic, type StreamContract } from '@windrow/contracts';
import {
  type Broker,
  consumeMeasured,
  DeadLetters,
  type FetchedBatch,
  type GroupConsumer,
  inSlices,
  type Outcome,
  type PartitionOffset,
  watchBroker,
} from '@windrow/pipeline';
import { Database, type LedgerEntry, maxDaysAtOnce, openLedger } from '@windrow/postgres';
import {
  type Logger,
  type Readiness,
  type Registry,
  retry,
  unlessAborted,
  WindrowError,
} from '@windrow/runtime';
import packageJson from '../package.json' with { type: 'json' };
import { Committer } from './commit.ts';
import { type Feed, feedsOf } from './feeds.ts';
import { type SinkMetrics, sinkMetrics } from './metrics.ts';
import { watchReplays } from './replay-watch.ts';
import { TableWriter } from './table-writer.ts';

/** The consumer group; its committed offsets show the lag, the ledger decides. */
export const groupId = 'postgres-sink';
/** Partitions handled at the same time: more than an instance has, so that a table that waits holds up no other. */
const concurrency = 64;
/**
 * Transactions under way for a table, each of partitions of its own: while the server works at one, the next rows are on their
 * way to the other. More gave nothing.
 */
const lanesOfTable = 2;
/** Records that are decoded at once. */
const recordsAtOnce = 256;
const drainMs = 20_000;
const lastWordMs = 3_000;

export interface SinkOptions {
  contracts: StreamContract[];
  broker: Broker;
  schemas: AvroRegistry;
  databaseUrl: string;
  limits: { maxRows: number; maxAgeMs: number; memoryBytes: number };
  metrics: Registry;
  readiness: Readiness;
  log: Logger;
  /** Ends the start's waiting. */
  signal: AbortSignal;
  /** An error that nobody can handle. */
  fail(error: unknown): void;
}

/** Lands every stream with curated tables in Postgres, until `stop`, which lands what was read and leaves the group. */
export async function startSink(options: SinkOptions): Promise<{ stop(): Promise<void> }> {
  const feeds = feedsOf(options.contracts, options.schemas);
  const sink = new PostgresSink(options, feeds);
  try {
    await sink.start();
  } catch (error) {
    await sink.abandon();
    throw error;
  }
  return { stop: () => sink.stop() };
}

class PostgresSink {
  readonly #options: SinkOptions;
  readonly #feeds: Feed[];
  readonly #lanes: { topic: string; writer: TableWriter }[];
  readonly #database: Database;
  readonly #deadLetters: DeadLetters;
  readonly #metrics: SinkMetrics;
  #consumer: Promise<GroupConsumer> | undefined;
  #groupCommit: Promise<void> = Promise.resolve();
  #stopping = false;
  /** Nothing is taken up any more. */
  readonly #sealed = new AbortController();
  #endWatch: () => void = () => undefined;

  constructor(options: SinkOptions, feeds: Feed[]) {
    const { broker, schemas, databaseUrl, limits, metrics, readiness, log } = options;
    this.#options = options;
    this.#feeds = feeds;
    this.#metrics = sinkMetrics(metrics);
    readiness.unmet('postgres', 'Postgres has not been asked yet');
    this.#database = new Database({
      url: databaseUrl,
      // And one to look after replays.
      connections: lanesOfTable * feeds.length + 1,
      reachability: {
        away: (reason) => readiness.unmet('postgres', reason),
        back: () => readiness.met('postgres'),
      },
    });
    this.#deadLetters = new DeadLetters({
      broker,
      registry: schemas,
      groupId,
      service: 'postgres-sink',
      version: packageJson.version,
    });
    const maxBytes = Math.floor(limits.memoryBytes / (2 * lanesOfTable * Math.max(1, feeds.length)));
    this.#lanes = feeds.flatMap((feed) =>
      Array.from({ length: lanesOfTable }, () => ({
        topic: feed.topic,
        writer: new TableWriter({
          feed,
          committer: new Committer({
            feed,
            database: this.#database,
            deadLetters: this.#deadLetters,
            metrics: this.#metrics,
            log,
          }),
          limits: { maxRows: limits.maxRows, maxAgeMs: limits.maxAgeMs, maxBytes },
          onLanded: (offsets, fillSeconds) => {
            this.#metrics.seconds('fill').observe(fillSeconds);
            this.#commitToGroup(offsets);
          },
          onFailure: (error) => this.#onFailure(error),
        }),
      })),
    );
  }

  async start(): Promise<void> {
    const { broker, metrics, log, signal, fail } = this.#options;
    const consume = () =>
      consumeMeasured(broker, metrics, {
        groupId,
        topics: this.#feeds.map(({ topic }) => topic),
        concurrency,
        handler: {
          assigned: (partitions) => this.#assigned(partitions),
          batch: (batch, life) => this.#batch(batch, life),
        },
        onAssignment: (reason, partitions) => {
          const names = partitions.map(({ topic, partition }) => `${topic}/${partition}`);
          log.info({ reason, partitions: names }, 'assignment begun');
        },
      });
    this.#consumer = retry(consume, {
      signal,
      onRetry: ({ error, delayMs }) => log.warn({ err: error, delayMs }, 'trying to join the group again'),
    });
    const consumer = await unlessAborted(this.#consumer, signal);
    consumer.failed.catch((error) => {
      if (!this.#stopping) fail(error);
    });
    const endWatches = [
      watchBroker(broker, deadLetterTopic.name, this.#options.readiness),
      watchReplays(this.#database, metrics, log),
    ];
    this.#endWatch = () => {
      for (const end of endWatches) end();
    };
  }

  async #assigned(partitions: TopicPartition[]): Promise<PartitionOffset[]> {
    await Promise.all(this.#lanes.map(({ writer }) => writer.discard()));
    await this.#deadLetters.retain(partitions);
    const starts: PartitionOffset[] = [];
    for (const feed of this.#feeds) {
      const owned = partitions.filter(({ topic }) => topic === feed.topic).map(({ partition }) => partition);
      starts.push(...(await this.#takeOver(feed, owned)));
    }
    return starts;
  }

  async #takeOver({ stream, topic, mapping }: Feed, partitions: number[]): Promise<PartitionOffset[]> {
    const { broker, log } = this.#options;
    const retained = await broker.startOffsets(topic);
    const ends = await broker.endOffsets(topic);
    const firsts = new Map(partitions.map((partition) => [partition, retained.get(partition) ?? 0]));
    const entries = await this.#database.use('give its ledger', (db) => openLedger(db, topic, firsts));
    const maxDays = await this.#database.use('give its settings', (db) => maxDaysAtOnce(db, mapping.table));
    for (const entry of entries) refuseForeignLedger(entry, ends.get(entry.partition) ?? 0);
    const lanes = this.#lanes.filter((lane) => lane.topic === topic);
    for (const [number, { writer }] of lanes.entries()) {
      const own = entries.filter((_, index) => index % lanes.length === number);
      const positions = new Map(own.map((entry) => [entry.partition, entry.nextOffset]));
      writer.begin(positions, Math.max(1, Math.floor(maxDays / lanes.length)));
    }
    return entries.map(({ partition, nextOffset }) => {
      const offset = Math.max(nextOffset, firsts.get(partition) ?? 0);
      if (offset > nextOffset) {
        this.#metrics.events.inc({ stream, outcome: 'expired' }, offset - nextOffset);
        log.error(
          { topic, partition, from: nextOffset, to: offset },
          'Kafka has deleted records that Postgres does not have yet; replay them from the lake',
        );
      }
      return { topic, partition, offset };
    });
  }

  async #batch(batch: FetchedBatch, life: AbortSignal): Promise<void> {
    const feed = this.#feeds.find(({ topic }) => topic === batch.topic);
    const lane = this.#lanes.find(
      ({ topic, writer }) => topic === batch.topic && writer.owns(batch.partition),
    );
    if (!feed || !lane) return;
    for (const slice of inSlices(batch, recordsAtOnce)) {
      if (life.aborted) return;
      await lane.writer.append(slice, await this.#examine(feed, slice, life), life);
    }
  }

  /** Waits for the registry where a schema is seen for the first time. */
  #examine(feed: Feed, batch: FetchedBatch, life: AbortSignal): Promise<Outcome[]> {
    const { readiness, log } = this.#options;
    const condition = `schemas of ${feed.topic}`;
    return retry(() => feed.examine(batch), {
      signal: AbortSignal.any([life, this.#sealed.signal]),
      capMs: 5_000,
      onRetry: ({ error, delayMs }) => {
        readiness.unmet(condition, error instanceof Error ? error.message : String(error));
        log.warn({ condition, err: error, delayMs }, 'trying again');
      },
    }).finally(() => readiness.met(condition));
  }

  #onFailure(error: unknown): void {
    if (this.#stopping) return;
    if (error instanceof WindrowError && error.retriable) {
      this.#options.log.warn({ err: error }, 'reading the ledger again');
      this.#consumer?.then((consumer) => consumer.restart(error)).catch(this.#options.fail);
    } else this.#options.fail(error);
  }

  /** For the lag alone: its failure, as in the middle of a rebalance, changes nothing. */
  #commitToGroup(offsets: PartitionOffset[]): void {
    this.#groupCommit = (this.#consumer ?? Promise.reject())
      .then((consumer) => consumer.commit(offsets))
      .catch((error: unknown) => this.#options.log.debug({ err: error }, 'offsets not stored in the group'));
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#endWatch();
    const writers = this.#lanes.map(({ writer }) => writer);
    for (const writer of writers) writer.seal();
    this.#sealed.abort();
    const consumer = await this.#consumer;
    await consumer?.pause();
    const deadline = AbortSignal.timeout(drainMs);
    const drained = await Promise.all(writers.map((writer) => writer.drain(deadline)));
    if (drained.includes(false))
      this.#options.log.warn('what was read last could not be landed; it will be read again');
    await Promise.race([this.#groupCommit, sleep(lastWordMs)]);
    await consumer?.stop();
    await this.#release();
  }

  /** Ends a start that failed; a group that is joined only after that is left again. */
  async abandon(): Promise<void> {
    this.#stopping = true;
    this.#consumer?.then((late) => late.stop()).catch(() => undefined);
    await this.#release();
  }

  async #release(): Promise<void> {
    await this.#deadLetters.close();
    await this.#database.close();
  }
}

/** A topic that ends before the ledger is not the topic of which the ledger speaks. */
function refuseForeignLedger({ topic, partition, nextOffset }: LedgerEntry, end: number): void {
  if (nextOffset <= end) return;
  const message = `the ledger is at offset ${nextOffset} of ${topic}/${partition}, which ends at ${end}: the topic was made anew. To load it from its start, delete the topic's rows from windrow.sink_offset`;
  throw new WindrowError('LEDGER_AHEAD', message);
}
