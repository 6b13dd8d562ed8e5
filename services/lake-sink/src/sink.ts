import { setTimeout as sleep } from 'node:timers/promises';
import type { TopicPartition } from '@windrow/contracts';
import { type AvroRegistry, deadLetterTopic, type StreamContract } from '@windrow/contracts';
import {
  createEncoder,
  type EncoderName,
  LakeTable,
  type ObjectStore,
  type ParquetEncoder,
} from '@windrow/lake';
import {
  type Broker,
  consumeMeasured,
  DeadLetters,
  type FetchedRecordBatches,
  type GroupConsumer,
  type PartitionOffset,
  Watermark,
  watchBroker,
} from '@windrow/pipeline';
import { type Logger, type Readiness, type Registry, retry, WindrowError } from '@windrow/runtime';
import packageJson from '../package.json' with { type: 'json' };
import { ClaimChecks } from './claim-checks.ts';
import { Compaction } from './compaction.ts';
import { type Feed, feedsOf } from './feeds.ts';
import { refuseForeignLedger } from './foreign-ledger.ts';
import { Lander } from './lander.ts';
import { MemoryBudget } from './memory-budget.ts';
import { type SinkMetrics, showState, sinkMetrics } from './metrics.ts';
import { type Limits, TableWriter } from './table-writer.ts';

/** The name under which the ledger lies in the Delta logs. */
const sinkName = 'lake';
/** Partitions handled at the same time: more than an instance has, so that a table that waits holds up no other. */
const concurrency = 64;
/** Of the 30 s that a stop may take. */
const drainMs = 20_000;
const lastWordMs = 3_000;
const sweepEveryMs = 3_600_000;

export interface SinkOptions {
  contracts: StreamContract[];
  broker: Broker;
  schemas: AvroRegistry;
  store: ObjectStore;
  /** The consumer group; its committed offsets show the lag, the ledger decides. */
  groupId: string;
  encoder: EncoderName;
  maxWindows: number;
  memoryBudgetBytes: number;
  limits: Limits;
  /** Without it, small files stay as they are. */
  compaction?: { latenessMs: number };
  metrics: Registry;
  readiness: Readiness;
  log: Logger;
  /** Ends the start's waiting. */
  signal: AbortSignal;
  /** An error that nobody can handle. */
  fail(error: unknown): void;
}

interface Landing {
  feed: Feed;
  table: LakeTable;
  lander: Lander;
  writer: TableWriter;
}

/** Lands every topic of the contracts in the lake, until `stop`, which lands what was read and leaves the group. */
export async function startSink(options: SinkOptions): Promise<{ stop(): Promise<void> }> {
  const sink = new LakeSink(options);
  try {
    await sink.start();
  } catch (error) {
    await sink.stop();
    throw error;
  }
  return { stop: () => sink.stop() };
}

class LakeSink {
  readonly #options: SinkOptions;
  readonly #metrics: SinkMetrics;
  readonly #budget: MemoryBudget;
  readonly #encoder: ParquetEncoder;
  readonly #deadLetters: DeadLetters;
  /** By topic. */
  readonly #landings = new Map<string, Landing>();
  /** By stream: of its raw and its enriched topic together. */
  readonly #watermarks = new Map<string, Watermark>();
  readonly #compaction: Compaction | undefined;
  readonly #claimChecks: ClaimChecks;
  #consumer: Promise<GroupConsumer> | undefined;
  #sweeps: NodeJS.Timeout | undefined;
  #groupCommit: Promise<void> = Promise.resolve();
  #stopping = false;
  #endWatch: () => void = () => undefined;

  constructor(options: SinkOptions) {
    const { broker, schemas, groupId, memoryBudgetBytes, metrics, compaction, encoder } = options;
    this.#options = options;
    this.#metrics = sinkMetrics(metrics);
    this.#encoder = createEncoder(encoder);
    this.#compaction =
      compaction && new Compaction({ ...options, ...compaction, sink: sinkName, metrics: this.#metrics });
    this.#claimChecks = new ClaimChecks({ log: options.log, onLost: (error) => this.#onFailure(error) });
    this.#budget = new MemoryBudget(memoryBudgetBytes, () => this.#cutLargest());
    this.#deadLetters = new DeadLetters({
      broker,
      registry: schemas,
      groupId,
      service: 'lake-sink',
      version: packageJson.version,
    });
    showState(metrics, () => ({
      watermarksMs: new Map([...this.#watermarks].map(([stream, { timeMs }]) => [stream, timeMs])),
      heldBytes: this.#budget.heldBytes,
    }));
  }

  async start(): Promise<void> {
    const { broker, metrics, log, signal, fail, contracts, schemas, groupId } = this.#options;
    for (const feed of feedsOf(contracts, schemas, (topic, schemaId, reason) =>
      log.warn({ topic, schemaId, reason }, 'decoding value by value, which is slow'),
    )) {
      this.#landings.set(
        feed.topic,
        await this.#patiently(`table ${feed.table}`, () => this.#open(feed), signal),
      );
    }
    this.#options.readiness.unmet('assignment', 'waiting for partitions');
    const consume = () =>
      consumeMeasured(broker, metrics, {
        groupId,
        topics: [...this.#landings.keys()],
        concurrency,
        handler: {
          assigned: (partitions) => this.#assigned(partitions),
          recordBatches: (fetched, life) => this.#append(fetched, life),
        },
        onAssignment: (reason, partitions) => {
          const names = partitions.map(({ topic, partition }) => `${topic}/${partition}`);
          log.info({ reason, partitions: names }, 'assignment begun');
        },
      });
    this.#consumer = this.#patiently('group', consume, signal);
    const consumer = await this.#consumer;
    consumer.failed.catch((error) => {
      if (!this.#stopping) fail(error);
    });
    this.#endWatch = watchBroker(broker, deadLetterTopic.name, this.#options.readiness);
    this.#sweeps = setInterval(() => void this.#sweep(), sweepEveryMs);
    this.#claimChecks.start();
    this.#compaction?.start();
  }

  async #open(feed: Feed): Promise<Landing> {
    const { store, maxWindows, limits, readiness, log } = this.#options;
    const watermark = this.#watermarks.get(feed.stream) ?? new Watermark();
    this.#watermarks.set(feed.stream, watermark);
    const table = await LakeTable.open(store, { path: feed.table, schema: feed.schema, sink: sinkName });
    const lander = new Lander({
      ...{ feed, table, maxWindows, readiness, log },
      encoder: this.#encoder,
      deadLetters: this.#deadLetters,
      metrics: this.#metrics,
    });
    const writer = new TableWriter({
      feed,
      lander,
      limits,
      budget: this.#budget,
      patiently: (call, until) => this.#patiently(`schemas of ${feed.topic}`, call, until),
      onLanded: (offsets, fillSeconds, newestMs) => {
        this.#metrics.seconds('fill').observe(fillSeconds);
        for (const [partition, timeMs] of newestMs) watermark.note(nameOf(feed.topic, partition), timeMs);
        this.#commitToGroup(offsets);
      },
      onFailure: (error) => this.#onFailure(error),
    });
    return { feed, table, lander, writer };
  }

  /** Whatever was held is void: the ledger says where each partition goes on, once the claim has made it ours. */
  async #assigned(partitions: TopicPartition[]): Promise<PartitionOffset[]> {
    const { readiness } = this.#options;
    const landings = [...this.#landings.values()];
    this.#claimChecks.forget();
    try {
      await Promise.all(landings.map(({ writer }) => writer.discard()));
      await this.#deadLetters.retain(partitions);
      const starts = await Promise.all(
        landings.map((landing) =>
          this.#takeOver(
            landing,
            partitions.filter(({ topic }) => topic === landing.feed.topic),
          ),
        ),
      );
      readiness.met('assignment');
      return starts.flat();
    } catch (error) {
      readiness.unmet('assignment', error instanceof Error ? error.message : String(error));
      throw error;
    }
  }

  async #takeOver({ feed, table, writer }: Landing, owned: TopicPartition[]): Promise<PartitionOffset[]> {
    const { broker, log } = this.#options;
    const { stream, topic } = feed;
    const claim = await table.claim(owned);
    const [retained, ends] = await Promise.all([broker.startOffsets(topic), broker.endOffsets(topic)]);
    for (const partition of ends.keys())
      if (!claim.positions.some((of) => of.partition === partition))
        this.#watermarks.get(stream)?.forget(nameOf(topic, partition));
    const starts = claim.positions.map(({ partition, nextOffset, rows }) => {
      refuseForeignLedger(feed, partition, nextOffset, ends.get(partition) ?? 0);
      const offset = Math.max(nextOffset, retained.get(partition) ?? 0);
      const isNew = nextOffset === 0 && rows === 0;
      if (offset > nextOffset && !isNew) {
        const of = { stream, table: feed.table, outcome: 'expired' };
        this.#metrics.events.inc(of, offset - nextOffset);
        log.error(
          { topic, partition, from: nextOffset, to: offset },
          'Kafka has deleted records that the lake does not have yet',
        );
      }
      return { topic, partition, offset };
    });
    writer.begin(claim);
    this.#claimChecks.watch(table, feed, claim);
    this.#compaction?.elect(feed, claim);
    return starts;
  }

  async #append(fetched: FetchedRecordBatches, life: AbortSignal): Promise<void> {
    await this.#landings.get(fetched.topic)?.writer.append(fetched, life);
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

  #cutLargest(): void {
    const writers = [...this.#landings.values()].map(({ writer }) => writer);
    for (const writer of writers) writer.dropSpare();
    writers.reduce((a, b) => (b.fillingBytes > a.fillingBytes ? b : a)).cut();
  }

  async #sweep(): Promise<void> {
    for (const { feed, table } of this.#landings.values()) {
      try {
        const { unnamedFiles, intents } = await table.sweep();
        if (intents > 0) this.#options.log.info({ table: feed.table, unnamedFiles, intents }, 'swept');
      } catch (error) {
        this.#options.log.warn({ table: feed.table, err: error }, 'not swept; again in an hour');
      }
    }
  }

  /** Tries until it works, the signal says stop, or trying is of no use. */
  #patiently<T>(condition: string, call: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const { readiness, log } = this.#options;
    return retry(call, {
      signal,
      capMs: 5_000,
      onRetry: ({ error, delayMs }) => {
        readiness.unmet(condition, error instanceof Error ? error.message : String(error));
        log.warn({ condition, err: error, delayMs }, 'trying again');
      },
    }).finally(() => readiness.met(condition));
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#endWatch();
    clearInterval(this.#sweeps);
    this.#claimChecks.stop();
    const compaction = this.#compaction?.stop();
    const writers = [...this.#landings.values()].map(({ writer }) => writer);
    const deadline = AbortSignal.timeout(drainMs);
    for (const writer of writers) writer.seal();
    const consumer = await this.#consumer?.catch(() => undefined);
    // A batch that waits for room gets it when something has landed, or else at the deadline.
    const paused = consumer?.pause();
    const drained = await Promise.all(writers.map((writer) => writer.drain(deadline)));
    await Promise.race([paused, sleep(lastWordMs)]);
    if (drained.includes(false)) {
      this.#options.log.warn('what was read last could not be landed; it will be read again');
    }
    await Promise.race([this.#groupCommit, sleep(lastWordMs)]);
    const idle = [...this.#landings.values()].map(({ lander }) => lander.idle());
    await Promise.race([Promise.all([compaction, ...idle]), sleep(lastWordMs)]);
    await consumer?.stop();
    await this.#deadLetters.close();
  }
}

const nameOf = (topic: string, partition: number): string => `${topic}/${partition}`;
