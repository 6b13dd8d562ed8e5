import { partitionName, type TopicPartition } from '@windrow/contracts';
import { WindrowError } from '@windrow/runtime';
import type { EachBatchPayload, Kafka, KafkaMessage } from 'kafkajs';
import type { ConsumeOptions, FetchedRange, GroupConsumer, PartitionOffset } from '../broker.ts';
import { deliver } from './deliver.ts';
import { kafkaError } from './errors.ts';
import { backoff, GroupMember, heartbeatIntervalMs } from './group-member.ts';
import { damageOf } from './patches/fetched-record-batches.ts';

const gapsBeforeRestart = 3;

/**
 * A member of a consumer group, through kafkajs, whose handler gets ranges without gaps and overlaps. kafkajs may fetch
 * before a seek takes effect, and announces no rebalance. So each batch is compared with the position that follows from the
 * handler's own ledger: records below it are dropped, and a batch that starts above it is discarded and fetched again.
 */
export class KafkaGroupConsumer implements GroupConsumer {
  readonly failed: Promise<never>;
  readonly #member: GroupMember;
  readonly #options: ConsumeOptions;
  readonly #positions = new Map<string, number>();
  /** The last task of each partition. Batches of control records arrive by another callback than the others. */
  readonly #tasks = new Map<string, Promise<void>>();
  /** How often in a row a partition's fetches have started above its position. */
  readonly #gaps = new Map<string, number>();
  /** How often in a row a partition's fetches were damaged. */
  readonly #damagedFetches = new Map<string, number>();
  #assignment: TopicPartition[] = [];
  #generation = 0;
  #assignmentEnds = new AbortController();
  #ready: Promise<void> = new Promise(() => undefined);
  #paused = false;
  #stopped = false;
  #failures = 0;
  #fail: (error: unknown) => void = () => undefined;

  constructor(kafka: Kafka, options: ConsumeOptions, sessionTimeoutMs?: number) {
    this.#options = options;
    this.#member = new GroupMember(kafka, options, sessionTimeoutMs, {
      joined: (assignment) => {
        this.#assignment = assignment;
        this.#assign('rebalance');
      },
      batch: (payload) => this.#eachBatch(payload),
      passed: ({ topic, partition, firstOffset, lastOffset, highWatermark }) => {
        this.#inOrder({ topic, partition }, () =>
          this.#handle({ topic, partition, messages: [] }, firstOffset, lastOffset, highWatermark),
        ).catch(() => undefined);
      },
    });
    this.failed = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.failed.catch(() => undefined);
  }

  async start(): Promise<this> {
    await this.#member.join();
    return this;
  }

  restart(reason: unknown): void {
    this.#failures += 1;
    this.#assign(reason instanceof Error ? reason.message : String(reason));
  }

  #assign(reason: string): void {
    if (this.#stopped) return;
    const generation = ++this.#generation;
    this.#assignmentEnds.abort();
    this.#assignmentEnds = new AbortController();
    this.#positions.clear();
    this.#ready = this.#takeOver(generation, reason, this.#assignmentEnds.signal);
    this.#ready.catch((error) => this.#fail(error));
  }

  async #takeOver(generation: number, reason: string, signal: AbortSignal): Promise<void> {
    await Promise.allSettled(this.#tasks.values());
    this.#options.onAssignment?.(reason, this.#assignment);
    for (;;) {
      if (this.#failures > 0) await backoff(this.#failures, signal);
      if (generation !== this.#generation || this.#stopped) return;
      try {
        const starts = await this.#options.handler.assigned(this.#assignment, signal);
        if (generation !== this.#generation) return;
        this.#begin(starts);
        return;
      } catch (error) {
        if (generation !== this.#generation || signal.aborted) return;
        if (!(error instanceof WindrowError && error.retriable)) throw error;
        this.#failures += 1;
        this.#options.onAssignment?.(error.message, this.#assignment);
      }
    }
  }

  /** kafkajs throws when it has left the group meanwhile. Another assignment follows then. */
  #begin(starts: PartitionOffset[]): void {
    this.#gaps.clear();
    try {
      for (const { topic, partition, offset } of starts) {
        this.#positions.set(partitionName({ topic, partition }), offset);
        this.#member.consumer.seek({ topic, partition, offset: String(offset) });
      }
      this.#fetchOnlyPositioned();
    } catch (error) {
      this.#positions.clear();
      const { message } = kafkaError(`start consuming ${this.#options.topics.join(', ')}`, error);
      this.#options.onAssignment?.(message, []);
    }
  }

  /** Pauses partitions without a position: their batches would be fetched and discarded over and over. */
  #fetchOnlyPositioned(): void {
    for (const { topic, partition } of this.#assignment) {
      const isPositioned = this.#positions.has(partitionName({ topic, partition }));
      this.#member.consumer[isPositioned ? 'resume' : 'pause']([{ topic, partitions: [partition] }]);
    }
  }

  async #eachBatch({ batch, heartbeat, resolveOffset, isStale, isRunning }: EachBatchPayload): Promise<void> {
    const { topic, partition } = batch;
    const generation = this.#generation;
    await this.#withHeartbeats(this.#ready, heartbeat);
    if (generation !== this.#generation || this.#paused || isStale() || !isRunning()) return;
    const { messages } = batch;
    const damage = damageOf(messages);
    if (damage) return this.#fetchLater({ topic, partition }, damage);
    // `fetchedOffset` is not in the types. The fetch started there, and the batch is complete from there on.
    const { fetchedOffset } = batch as unknown as { fetchedOffset: string };
    const task = this.#inOrder({ topic, partition }, () =>
      this.#handle({ topic, partition, messages }, fetchedOffset, batch.lastOffset(), batch.highWatermark),
    );
    if (await this.#withHeartbeats(task, heartbeat)) resolveOffset(batch.lastOffset());
  }

  /** Runs after the partition's former task. When a task fails, the next one still runs. */
  #inOrder<T>(of: TopicPartition, run: () => Promise<T>): Promise<T> {
    const former = this.#tasks.get(partitionName(of)) ?? Promise.resolve();
    const task = former.then(run);
    this.#tasks.set(
      partitionName(of),
      task.then(
        () => undefined,
        () => undefined,
      ),
    );
    return task;
  }

  /** @returns whether the range was handled. Offsets are in kafkajs' form; `first` and `last` are both included. */
  async #handle(
    { topic, partition, messages }: TopicPartition & { messages: KafkaMessage[] },
    first: string,
    last: string,
    end: string,
  ): Promise<boolean> {
    const name = partitionName({ topic, partition });
    const position = this.#positions.get(name);
    const nextOffset = Number(last) + 1;
    if (position === undefined || this.#paused) return false;
    if (Number(first) > position && !this.#isGap(name, messages.length === 0)) {
      this.#member.consumer.seek({ topic, partition, offset: String(position) });
      return false;
    }
    if (nextOffset <= position) return false;
    this.#gaps.delete(name);
    this.#damagedFetches.delete(name);
    const range: FetchedRange = {
      topic,
      partition,
      firstOffset: position,
      nextOffset,
      endOffset: Number(end),
    };
    const generation = this.#generation;
    try {
      await deliver(this.#options.handler, range, messages, this.#assignmentEnds.signal);
    } catch (error) {
      if (generation !== this.#generation) return false;
      if (error instanceof WindrowError && error.retriable) this.restart(error);
      else this.#fail(error);
      return false;
    }
    if (generation !== this.#generation) return false;
    this.#failures = 0;
    this.#positions.set(name, nextOffset);
    return true;
  }

  /**
   * Whether a range that starts above the position can be handled all the same. Usually the fetch is older than the seek,
   * and the range is discarded. kafkajs doesn't tell where the fetch of a range without records started, only its first
   * control record: when that is still above the position after the seek, compaction has removed the records between. When
   * ranges with records keep starting above the position, retention has deleted the records between, and the handler is
   * asked again where to start.
   */
  #isGap(name: string, empty: boolean): boolean {
    const gaps = this.#gaps.get(name) ?? 0;
    this.#gaps.set(name, gaps + 1);
    if (empty) return gaps > 0;
    if (gaps >= gapsBeforeRestart)
      this.restart(`Kafka has deleted the next record of ${name} before it was consumed (retention)`);
    return false;
  }

  /** Fetches a damaged batch again after a backoff. Other partitions are consumed meanwhile. */
  #fetchLater({ topic, partition }: TopicPartition, damage: WindrowError): void {
    const name = partitionName({ topic, partition });
    if (!this.#positions.has(name)) return;
    if (!damage.retriable) {
      this.#fail(damage);
      return;
    }
    const failures = (this.#damagedFetches.get(name) ?? 0) + 1;
    this.#damagedFetches.set(name, failures);
    this.#options.onDamage?.(damage, { topic, partition });
    const { consumer } = this.#member;
    consumer.logger().error(damage.message, { topic, partition });
    const generation = this.#generation;
    const again = [{ topic, partitions: [partition] }];
    consumer.pause(again);
    void backoff(failures, this.#assignmentEnds.signal).then(() => {
      // A newer assignment has resumed its partitions itself, maybe with another consumer.
      if (generation === this.#generation && !this.#paused) this.#member.consumer.resume(again);
    });
  }

  /** Waits for `task` and sends heartbeats. A failed heartbeat (a rebalance) ends the wait, not the task. */
  async #withHeartbeats<T>(task: Promise<T>, heartbeat: () => Promise<void>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const lost = new Promise<never>((_, reject) => {
      timer = setInterval(() => heartbeat().catch(reject), heartbeatIntervalMs);
    });
    try {
      return await Promise.race([task, lost]);
    } finally {
      clearInterval(timer);
    }
  }

  async commit(offsets: PartitionOffset[]): Promise<void> {
    try {
      await this.#member.consumer.commitOffsets(
        offsets.map(({ topic, partition, offset }) => ({ topic, partition, offset: String(offset) })),
      );
    } catch (cause) {
      throw kafkaError(`commit offsets of group ${this.#options.groupId}`, cause);
    }
  }

  positions(): PartitionOffset[] {
    return this.#assignment.flatMap((of) => {
      const offset = this.#positions.get(partitionName(of));
      return offset === undefined ? [] : [{ ...of, offset }];
    });
  }

  async pause(): Promise<void> {
    this.#paused = true;
    await Promise.allSettled(this.#tasks.values());
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#paused = true;
    this.#assignmentEnds.abort();
    await Promise.allSettled(this.#tasks.values());
    await this.#member.leave();
  }
}
