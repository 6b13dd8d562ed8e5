import { dropsOf, partitionName, type TopicPartition } from '@windrow/contracts';
import {
  type Broker,
  decodeAndCheck,
  type FetchedBatch,
  type GroupHandler,
  type Outcome,
  type PartitionOffset,
  Watermark,
} from '@windrow/pipeline';
import {
  failpoint,
  isRetriable,
  type Logger,
  type Readiness,
  retryUntilReady,
  WindrowError,
} from '@windrow/runtime';
import { type EnrichedRange, enrichRange } from './enrich-range.ts';
import type { EnricherMetrics, StreamState } from './metrics.ts';
import { rangesOf } from './ranges.ts';
import type { OutputEncoders, StreamSteps } from './stream-steps.ts';
import { type OwnedPartition, positionOf, takeOver } from './take-over.ts';

export interface EnricherOptions {
  broker: Broker;
  groupId: string;
  /** One entry for each stream. */
  steps: StreamSteps[];
  encoders: OutputEncoders;
  /** The maximum number of event ids that are remembered for a partition. */
  maxIds: number;
  metrics: EnricherMetrics;
  readiness: Pick<Readiness, 'met' | 'unmet'>;
  log: Logger;
  /** The version of the service, for dead letters. */
  version: string;
}

/**
 * Enriches the batches of the raw topics. For each range of an input partition it commits one transaction with the enriched
 * events, the dead letters, the account and the group's offset. It holds a producer and the deduplication state for each of
 * its partitions, and keeps them over a rebalance that leaves the partition here. If another process owned the partition in
 * between, the producer is fenced: the next transaction fails, and the partition is taken over again. So exactly-once never
 * depends on what this process believes it owns.
 */
export class Enricher implements GroupHandler {
  readonly #options: EnricherOptions;
  readonly #steps: Map<string, StreamSteps>;
  readonly #owned = new Map<string, OwnedPartition>();
  /** Raw topic → its number of partitions. */
  readonly #partitions = new Map<string, number>();
  /** Partitions of which misplaced events were logged. */
  readonly #misplacedIn = new Set<string>();
  /** By raw topic. */
  readonly #watermarks: Map<string, Watermark>;
  #assigning: Promise<unknown> = Promise.resolve();

  constructor(options: EnricherOptions) {
    this.#options = options;
    this.#steps = new Map(options.steps.map((steps) => [steps.contract.topics.raw.name, steps]));
    this.#watermarks = new Map([...this.#steps.keys()].map((topic) => [topic, new Watermark()]));
  }

  get topics(): string[] {
    return [...this.#steps.keys()];
  }

  /** Processes one assignment after the other: a rebalance may start while partitions are still being taken over. */
  assigned(partitions: TopicPartition[], signal: AbortSignal): Promise<PartitionOffset[]> {
    const { readiness } = this.#options;
    readiness.unmet('partitions', 'the assigned partitions are being taken over');
    const assigning = this.#assigning.then(() => this.#assign(partitions, signal));
    this.#assigning = assigning.then(
      () => readiness.met('partitions'),
      (error) => readiness.unmet('partitions', error instanceof Error ? error.message : String(error)),
    );
    return assigning;
  }

  async #assign(partitions: TopicPartition[], signal: AbortSignal): Promise<PartitionOffset[]> {
    const { log, broker } = this.#options;
    const assigned = new Set(partitions.map(partitionName));
    await Promise.all(
      [...this.#owned.keys()].filter((name) => !assigned.has(name)).map((name) => this.#giveUp(name)),
    );
    const starts: PartitionOffset[] = [];
    for (const [topic, steps] of this.#steps) {
      const wanted = partitions.filter((of) => of.topic === topic).map(({ partition }) => partition);
      if (wanted.length === 0) continue;
      signal.throwIfAborted();
      const firsts = await broker.startOffsets(topic);
      this.#partitions.set(topic, firsts.size);
      await this.#giveUpDeleted(topic, firsts);
      const fresh = wanted.filter((partition) => !this.#owned.has(partitionName({ topic, partition })));
      const startedMs = performance.now();
      for (const owned of await takeOver(steps, fresh, this.#options, signal))
        this.#owned.set(partitionName({ topic, partition: owned.partition }), owned);
      if (fresh.length > 0)
        log.info({ topic, partitions: fresh, ms: Math.round(performance.now() - startedMs) }, 'taken over');
      for (const partition of wanted) {
        const owned = this.#owned.get(partitionName({ topic, partition }));
        if (owned) starts.push(positionOf(topic, owned));
      }
    }
    return starts;
  }

  /** If retention has deleted records after a position, the partition is taken over again. The accounts show the gap. */
  async #giveUpDeleted(topic: string, firsts: Map<number, number>): Promise<void> {
    for (const [partition, first] of firsts) {
      const name = partitionName({ topic, partition });
      if ((this.#owned.get(name)?.position ?? first) < first) await this.#giveUp(name);
    }
  }

  async #giveUp(name: string): Promise<void> {
    const owned = this.#owned.get(name);
    this.#owned.delete(name);
    for (const watermark of this.#watermarks.values()) watermark.forget(name);
    await owned?.producer.close();
  }

  async batch(batch: FetchedBatch, signal: AbortSignal): Promise<void> {
    const name = partitionName(batch);
    const steps = this.#steps.get(batch.topic);
    const owned = this.#owned.get(name);
    if (!steps || owned?.position !== batch.firstOffset) {
      const message = `${name} received offset ${batch.firstOffset}; expected ${owned?.position ?? 'no offset, because it is not owned'}`;
      throw new WindrowError('LEDGER_LOST', message, { retriable: true });
    }
    try {
      await this.#enrich(batch, steps, owned, signal);
    } catch (error) {
      // The assignment ended while the batch waited for the tables: no transaction has begun.
      if (signal.aborted && error === signal.reason) return;
      // The takeover finds out whether the transaction was committed. The ids of its events are in the state already.
      await this.#giveUp(name);
      if (signal.aborted) return;
      if (isRetriable(error)) {
        this.#options.readiness.unmet('partitions', (error as Error).message);
        this.#options.log.warn(
          { err: error, topic: batch.topic, partition: batch.partition },
          'taking over the partition again',
        );
      }
      throw error;
    }
  }

  async #enrich(batch: FetchedBatch, steps: StreamSteps, owned: OwnedPartition, signal: AbortSignal) {
    const { log, encoders, groupId, version, metrics } = this.#options;
    const stream = steps.contract.name;
    // The events were appended before this call. So it waits for every row that was appended before any of them.
    await steps.enrichment.current(signal);
    for (const range of rangesOf(batch)) {
      if (signal.aborted) return;
      const outcomes = await this.#decodeAndCheck(range, steps, signal);
      const enriched = enrichRange(
        steps,
        encoders,
        {
          range,
          partitions: this.#partitions.get(range.topic) ?? 1,
          outcomes,
          dedupe: owned.dedupe,
        },
        { service: 'enricher', version },
      );
      const { topic, partition, nextOffset } = range;
      const end = metrics.transactionSeconds.startTimer({ stream });
      await failpoint('enricher.transaction.beforeBegin');
      await owned.producer.commit(enriched.outputs, {
        groupId,
        offsets: [{ topic, partition, offset: nextOffset }],
      });
      await failpoint('enricher.transaction.afterEnd');
      end();
      owned.position = nextOffset;
      const evicted = owned.dedupe?.takeEvicted() ?? 0;
      if (evicted > 0) {
        metrics.dedupeEvictions.inc({ stream }, evicted);
        log.warn(
          { topic, partition, evicted },
          'too many event ids: the oldest were evicted before the deduplication horizon',
        );
      }
      this.#count(steps, partitionName(range), enriched);
      this.#countNotes(stream, outcomes);
    }
  }

  /** Retries while the registry is unavailable and an unknown schema is needed. */
  #decodeAndCheck(range: FetchedBatch, steps: StreamSteps, signal: AbortSignal): Promise<Outcome[]> {
    const { readiness, log } = this.#options;
    return retryUntilReady(() => decodeAndCheck(steps.contract, steps.rawCodec, range), {
      condition: 'registry',
      readiness,
      log,
      signal,
    });
  }

  #count(steps: StreamSteps, name: string, enriched: EnrichedRange): void {
    const { account, joins, newestEventMs } = enriched;
    const { metrics } = this.#options;
    const stream = steps.contract.name;
    this.#noteMisplaced(stream, name, enriched.misplaced);
    metrics.events.inc({ stream, outcome: 'ok' }, account.accepted);
    for (const [reason, count] of dropsOf(account)) {
      metrics.events.inc({ stream, outcome: 'drop' }, count);
      metrics.drops.inc({ stream, reason }, count);
    }
    for (const [place, count] of Object.entries(account.rejected)) {
      const [stage = '', reason = ''] = place.split('/');
      metrics.events.inc({ stream, outcome: 'deadLetter' }, count);
      metrics.deadLetters.inc({ stage, reason }, count);
    }
    for (const { join, matches } of joins)
      for (const [match, count] of matches) metrics.matches.inc({ stream, join, match }, count);
    this.#watermarks.get(steps.contract.topics.raw.name)?.note(name, newestEventMs);
  }

  #countNotes(stream: string, outcomes: readonly Outcome[]): void {
    for (const outcome of outcomes) {
      if (outcome.kind !== 'ok' || outcome.notes === undefined) continue;
      for (const { field, reason } of outcome.notes)
        this.#options.metrics.notes.inc({ stream, field, reason });
    }
  }

  #noteMisplaced(stream: string, name: string, { count, firstOffset }: EnrichedRange['misplaced']): void {
    if (count === 0) return;
    const { metrics, log } = this.#options;
    metrics.misplaced.inc({ stream }, count);
    if (this.#misplacedIn.has(name)) return;
    this.#misplacedIn.add(name);
    log.warn(
      { stream, partition: name, firstOffset },
      "events are in another partition than Kafka's default partitioner gives for their key, so that duplicates in other partitions are not found: set the producer's key as the contract says, and its partitioner to murmur2_random (librdkafka)",
    );
  }

  state(): StreamState[] {
    return [...this.#steps].map(([topic, { contract }]) => {
      const names = [...this.#owned.keys()].filter((name) => name.startsWith(`${topic}/`));
      const dedupes = names.flatMap((name) => this.#owned.get(name)?.dedupe ?? []);
      return {
        stream: contract.name,
        ids: dedupes.reduce((sum, { size }) => sum + size, 0),
        bytes: dedupes.reduce((sum, { bytes }) => sum + bytes, 0),
        watermarkMs: this.#watermarks.get(topic)?.timeMs ?? null,
      };
    });
  }

  async close(): Promise<void> {
    await this.#assigning;
    await Promise.all([...this.#owned.keys()].map((name) => this.#giveUp(name)));
  }
}
