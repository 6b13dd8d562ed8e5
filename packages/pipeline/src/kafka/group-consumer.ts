import type { TopicPartition } from '@windrow/contracts';
import { WindrowError } from '@windrow/runtime';
import type { EachBatchPayload, Kafka, KafkaMessage } from 'kafkajs';
import type { ConsumeOptions, FetchedRange, GroupConsumer, PartitionOffset } from '../broker.ts';
import { deliver } from './deliver.ts';
import { kafkaError } from './errors.ts';
import { damageOf } from './fetched-record-batches.ts';
import { backoff, GroupMember, heartbeatIntervalMs } from './group-member.ts';

const refusalsBeforeRestart = 3;

/**
 * A group member on kafkajs that hands its handler ranges that join. kafkajs may fetch before a seek takes effect and
 * announces no rebalance, so each batch is held against the position that the handler's own ledger has led to: what is
 * before it is cut off, what starts behind it is refused and sought again.
 */
export class KafkaGroupConsumer implements GroupConsumer {
  readonly failed: Promise<never>;
  readonly #member: GroupMember;
  readonly #options: ConsumeOptions;
  readonly #positions = new Map<string, number>();
  /** The last task of each partition: batches of control records come by another way than the others. */
  readonly #tasks = new Map<string, Promise<void>>();
  /** How often in a row a partition's fetches have started behind its position. */
  readonly #refusals = new Map<string, number>();
  /** How often in a row a partition's fetches have brought what was not written so. */
  readonly #damages = new Map<string, number>();
  #assignment: TopicPartition[] = [];
  #generation = 0;
  #life = new AbortController();
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
    this.#life.abort();
    this.#life = new AbortController();
    this.#positions.clear();
    this.#ready = this.#takeOver(generation, reason, this.#life.signal);
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

  /** kafkajs refuses all of it where it has lost its place in the group meanwhile: then another assignment is to come. */
  #begin(starts: PartitionOffset[]): void {
    this.#refusals.clear();
    try {
      for (const { topic, partition, offset } of starts) {
        this.#positions.set(nameOf({ topic, partition }), offset);
        this.#member.consumer.seek({ topic, partition, offset: String(offset) });
      }
      this.#fetchOnlyAnswered();
    } catch (error) {
      this.#positions.clear();
      const { message } = kafkaError(`begin with ${this.#options.topics.join(', ')}`, error);
      this.#options.onAssignment?.(message, []);
    }
  }

  /** What was not answered would be fetched, and refused, over and over. */
  #fetchOnlyAnswered(): void {
    for (const { topic, partition } of this.#assignment) {
      const answered = this.#positions.has(nameOf({ topic, partition }));
      this.#member.consumer[answered ? 'resume' : 'pause']([{ topic, partitions: [partition] }]);
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
    // `fetchedOffset` is not in the types: where this fetch was told to start; the batch is complete from there on.
    const { fetchedOffset } = batch as unknown as { fetchedOffset: string };
    const task = this.#inOrder({ topic, partition }, () =>
      this.#handle({ topic, partition, messages }, fetchedOffset, batch.lastOffset(), batch.highWatermark),
    );
    if (await this.#withHeartbeats(task, heartbeat)) resolveOffset(batch.lastOffset());
  }

  /** Runs after the partition's former task; a task's failure is not the next one's. */
  #inOrder<T>(of: TopicPartition, run: () => Promise<T>): Promise<T> {
    const former = this.#tasks.get(nameOf(of)) ?? Promise.resolve();
    const task = former.then(run);
    this.#tasks.set(
      nameOf(of),
      task.then(
        () => undefined,
        () => undefined,
      ),
    );
    return task;
  }

  /** True when the range is handled. Offsets as kafkajs gives them; the range is first to last, both included. */
  async #handle(
    { topic, partition, messages }: TopicPartition & { messages: KafkaMessage[] },
    first: string,
    last: string,
    end: string,
  ): Promise<boolean> {
    const name = nameOf({ topic, partition });
    const position = this.#positions.get(name);
    const nextOffset = Number(last) + 1;
    if (position === undefined || this.#paused) return false;
    if (Number(first) > position && !this.#isGap(name, messages.length === 0)) {
      this.#member.consumer.seek({ topic, partition, offset: String(position) });
      return false;
    }
    if (nextOffset <= position) return false;
    this.#refusals.delete(name);
    this.#damages.delete(name);
    const range: FetchedRange = {
      topic,
      partition,
      firstOffset: position,
      nextOffset,
      endOffset: Number(end),
    };
    const generation = this.#generation;
    try {
      await deliver(this.#options.handler, range, messages, this.#life.signal);
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
   * A fetch that starts behind the position is one from before the seek, and is refused. kafkajs doesn't tell where the
   * fetch of a range without records started, only its first control record: when that is still behind the position after
   * the seek, what is between them has been compacted away. When ranges with records keep starting there, retention has
   * deleted what is between, and the handler is asked anew where to start.
   */
  #isGap(name: string, empty: boolean): boolean {
    const refusals = this.#refusals.get(name) ?? 0;
    this.#refusals.set(name, refusals + 1);
    if (empty) return refusals > 0;
    if (refusals >= refusalsBeforeRestart) this.restart(`${name} no longer has the offset to go on from`);
    return false;
  }

  /** Not what was written: it is fetched again, later, and other partitions go on meanwhile. */
  #fetchLater({ topic, partition }: TopicPartition, damage: WindrowError): void {
    const name = nameOf({ topic, partition });
    if (!this.#positions.has(name)) return;
    if (!damage.retriable) {
      this.#fail(damage);
      return;
    }
    const failures = (this.#damages.get(name) ?? 0) + 1;
    this.#damages.set(name, failures);
    this.#options.onDamage?.(damage, { topic, partition });
    const { consumer } = this.#member;
    consumer.logger().error(damage.message, { topic, partition });
    const generation = this.#generation;
    const again = [{ topic, partitions: [partition] }];
    consumer.pause(again);
    void backoff(failures, this.#life.signal).then(() => {
      // An assignment that has begun meanwhile has resumed what it fetches, maybe by another consumer.
      if (generation === this.#generation && !this.#paused) this.#member.consumer.resume(again);
    });
  }

  /** Waits for `task`, heartbeating; a failing heartbeat (a rebalance) ends the waiting, not the task. */
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
      throw kafkaError(`store offsets of ${this.#options.groupId}`, cause);
    }
  }

  positions(): PartitionOffset[] {
    return this.#assignment.flatMap((of) => {
      const offset = this.#positions.get(nameOf(of));
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
    this.#life.abort();
    await Promise.allSettled(this.#tasks.values());
    await this.#member.leave();
  }
}

const nameOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`;
