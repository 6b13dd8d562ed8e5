import { type AvroRegistry, deadLetterTopic, partitionName, type TopicPartition } from '@windrow/contracts';
import {
  type Broker,
  consumeMeasured,
  DeadLetters,
  type FetchedBatch,
  type FetchedRange,
  type FetchedRecordBatches,
  type GroupConsumer,
  type PartitionOffset,
  watchBroker,
} from '@windrow/pipeline';
import {
  type Logger,
  type Readiness,
  type Registry,
  retryUntilReady,
  unlessAborted,
  WindrowError,
} from '@windrow/runtime';
import type { Claim, Destination, Limits, MicroBatch } from './destination.ts';
import { refuseForeignLedger } from './foreign-ledger.ts';
import { MemoryBudget } from './memory-budget.ts';
import { PartitionLane } from './partition-lane.ts';
import type { RunnerMetrics } from './runner-metrics.ts';
import { within } from './waiting.ts';

/** Partitions handled at the same time: more than an instance has, so that a table that waits delays no other. */
const concurrency = 64;
/** Of the 30 s that a stop may take. */
const drainMs = 20_000;
const lastWordMs = 3_000;

/** `records`: each record is an object. `recordBatches`: records are found in the fetched bytes, without an object each. */
type Intake<Batch extends MicroBatch, C extends Claim> =
  | { intake: 'records'; destinations: readonly Destination<Batch, C, FetchedBatch>[] }
  | { intake: 'recordBatches'; destinations: readonly Destination<Batch, C, FetchedRecordBatches>[] };

export type SinkRunnerOptions<Batch extends MicroBatch, C extends Claim> = Intake<Batch, C> & {
  /** The consumer group. Its committed offsets show the lag; the destinations' ledgers decide. */
  groupId: string;
  /** The name and version that dead letters carry. */
  service: string;
  version: string;
  /** Micro-batches of a topic that land at the same time, each of partitions of its own. */
  lanesPerTopic: number;
  limits: Limits;
  /** The memory of the rows of all topics together; beyond it, consumption pauses. */
  memoryBytes: number;
  broker: Broker;
  schemas: AvroRegistry;
  registry: Registry;
  metrics: RunnerMetrics;
  readiness: Readiness;
  log: Logger;
  /** Called with an error that nobody can handle. The sink has to be stopped. */
  fail(error: unknown): void;
};

interface Table<Batch extends MicroBatch, C extends Claim> {
  readonly destination: Destination<Batch, C, never>;
  readonly lanes: readonly PartitionLane<Batch, C>[];
}

/**
 * Lands topics in their destinations, exactly once: it claims the partitions of each assignment, continues where the ledgers
 * say, fills micro-batches and lands them with their offsets. When a destination fails, it claims again.
 */
export class SinkRunner<Batch extends MicroBatch, C extends Claim> {
  readonly #options: SinkRunnerOptions<Batch, C>;
  readonly #budget: MemoryBudget;
  readonly #deadLetters: DeadLetters;
  /** By topic. */
  readonly #tables: ReadonlyMap<string, Table<Batch, C>>;
  #consumer: Promise<GroupConsumer> | undefined;
  #groupCommit: Promise<void> = Promise.resolve();
  #isStopping = false;
  #endWatch: () => void = () => undefined;

  constructor(options: SinkRunnerOptions<Batch, C>) {
    const { broker, schemas, groupId, service, version, memoryBytes, destinations } = options;
    this.#options = options;
    this.#budget = new MemoryBudget(memoryBytes, () => this.#cutLargest());
    this.#deadLetters = new DeadLetters({ broker, registry: schemas, groupId, service, version });
    this.#tables = new Map(
      destinations.map((destination) => [
        destination.topic,
        { destination, lanes: this.#lanes(destination) },
      ]),
    );
    options.readiness.unmet('assignment', 'waiting for partitions');
  }

  /** The memory of rows that have not landed yet, by estimate. */
  get heldBytes(): number {
    return this.#budget.heldBytes;
  }

  #lanes(destination: Destination<Batch, C, never>): PartitionLane<Batch, C>[] {
    const { lanesPerTopic, limits, metrics, readiness, log } = this.#options;
    return Array.from(
      { length: lanesPerTopic },
      () =>
        new PartitionLane({
          ...{ destination, limits, metrics, readiness, log },
          budget: this.#budget,
          sendDeadLetters: (rejected, signal) => this.#deadLetters.send(destination, rejected, signal),
          onLanded: (offsets) => this.#commitToGroup(offsets),
          onFailure: (error) => this.restart(error),
        }),
    );
  }

  get #everyLane(): PartitionLane<Batch, C>[] {
    return [...this.#tables.values()].flatMap(({ lanes }) => lanes);
  }

  /**
   * Joins the group, trying until the signal is aborted.
   * @throws the signal's reason, or errors that a retry doesn't help against; the runner is stopped then
   */
  async start(signal: AbortSignal): Promise<void> {
    const { broker, readiness, log, fail } = this.#options;
    try {
      this.#consumer = retryUntilReady(() => this.#consume(), { condition: 'group', readiness, log, signal });
      const consumer = await unlessAborted(this.#consumer, signal);
      consumer.failed.catch((error) => {
        if (!this.#isStopping) fail(error);
      });
    } catch (error) {
      await this.#abandon();
      throw error;
    }
    this.#endWatch = watchBroker(broker, deadLetterTopic.name, readiness);
  }

  #consume(): Promise<GroupConsumer> {
    const options = this.#options;
    const { broker, registry, groupId, log } = options;
    const assigned = (partitions: TopicPartition[]) => this.#assigned(partitions);
    return consumeMeasured(broker, registry, {
      groupId,
      topics: [...this.#tables.keys()],
      concurrency,
      handler:
        options.intake === 'records'
          ? { assigned, batch: (fetched, life) => this.#append(options.destinations, fetched, life) }
          : { assigned, recordBatches: (fetched, life) => this.#append(options.destinations, fetched, life) },
      onAssignment: (reason, partitions) =>
        log.info({ reason, partitions: partitions.map(partitionName) }, 'assignment begun'),
    });
  }

  /** Whatever is held is void: the ledger says where each partition continues, once the claim has made it ours. */
  async #assigned(partitions: TopicPartition[]): Promise<PartitionOffset[]> {
    const { readiness } = this.#options;
    const tables = [...this.#tables.values()];
    for (const { destination } of tables) destination.revoke?.();
    try {
      await Promise.all(this.#everyLane.map((lane) => lane.discard()));
      await this.#deadLetters.retain(partitions);
      const starts = await Promise.all(
        tables.map((table) => {
          const own = partitions.filter(({ topic }) => topic === table.destination.topic);
          return this.#takeOver(
            table,
            own.map(({ partition }) => partition),
          );
        }),
      );
      readiness.met('assignment');
      return starts.flat();
    } catch (error) {
      readiness.unmet('assignment', error instanceof Error ? error.message : String(error));
      throw error;
    }
  }

  async #takeOver(
    { destination, lanes }: Table<Batch, C>,
    partitions: readonly number[],
  ): Promise<PartitionOffset[]> {
    const { broker, log } = this.#options;
    const { stream, topic, table } = destination;
    const retained = await broker.startOffsets(topic);
    const claim = await destination.claim(partitions, retained);
    // After the claim: a former owner may have landed records until then that were sent only a moment ago.
    const ends = await broker.endOffsets(topic);
    const starts = claim.positions.map((position) => {
      const { partition, nextOffset, isNew } = position;
      refuseForeignLedger(destination, position, ends.get(partition) ?? 0);
      const offset = Math.max(nextOffset, retained.get(partition) ?? 0);
      if (offset > nextOffset && !isNew) {
        destination.onExpired(offset - nextOffset);
        const expired = { stream, topic, table, partition, from: nextOffset, to: offset };
        log.error(expired, `Kafka has deleted records that ${table} does not have yet`);
      }
      return { topic, partition, offset };
    });
    for (const [number, lane] of lanes.entries())
      lane.begin(
        claim,
        claim.positions.filter((_, index) => index % lanes.length === number),
      );
    return starts;
  }

  async #append<Fetched extends FetchedRange>(
    destinations: readonly Destination<Batch, C, Fetched>[],
    fetched: Fetched,
    life: AbortSignal,
  ): Promise<void> {
    const destination = destinations.find(({ topic }) => topic === fetched.topic);
    const lane = this.#tables.get(fetched.topic)?.lanes.find((each) => each.owns(fetched.partition));
    if (destination && lane) await lane.append(fetched, destination.decode(fetched), life);
  }

  /** Claims again after a retriable error; any other is fatal. */
  restart(error: unknown): void {
    const { log, fail } = this.#options;
    if (this.#isStopping) return;
    if (error instanceof WindrowError && error.retriable) {
      log.warn({ err: error }, 'reading the ledger again');
      this.#consumer?.then((consumer) => consumer.restart(error)).catch(fail);
    } else fail(error);
  }

  /** Only shows the lag: when it fails, as in the middle of a rebalance, nothing changes. */
  #commitToGroup(offsets: PartitionOffset[]): void {
    this.#groupCommit = (this.#consumer ?? Promise.reject())
      .then((consumer) => consumer.commit(offsets))
      .catch((error: unknown) => this.#options.log.debug({ err: error }, 'offsets not stored in the group'));
  }

  #cutLargest(): void {
    for (const { destination } of this.#tables.values()) destination.trim?.();
    this.#everyLane.reduce((a, b) => (b.fillingBytes > a.fillingBytes ? b : a)).cut();
  }

  /** Lands what was read, as far as 20 s suffice, and leaves the group. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#endWatch();
    const lanes = this.#everyLane;
    for (const lane of lanes) lane.seal();
    const consumer = await this.#consumer?.catch(() => undefined);
    const paused = consumer?.pause();
    const deadline = AbortSignal.timeout(drainMs);
    const drained = await Promise.all(lanes.map((lane) => lane.drain(deadline)));
    await within(lastWordMs, paused);
    if (drained.includes(false))
      this.#options.log.warn('what was read last could not be landed; it will be read again');
    await within(lastWordMs, this.#groupCommit);
    await within(lastWordMs, this.#closeDestinations());
    await consumer?.stop();
    await this.#deadLetters.close();
  }

  /** Ends a start that failed. A group that is joined only after that is left again. */
  async #abandon(): Promise<void> {
    this.#isStopping = true;
    this.#consumer?.then((late) => late.stop()).catch(() => undefined);
    await this.#closeDestinations();
    await this.#deadLetters.close();
  }

  async #closeDestinations(): Promise<void> {
    await Promise.all([...this.#tables.values()].map(({ destination }) => destination.close?.()));
  }
}
