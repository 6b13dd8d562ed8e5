import { type Claim, ColumnBuffers } from '@windrow/lake';
import type { FetchedRecordBatches, PartitionOffset, RecordBatch } from '@windrow/pipeline';
import type { PreparedRecords } from './column-codec.ts';
import type { Feed } from './feeds.ts';
import type { Lander } from './lander.ts';
import type { MemoryBudget } from './memory-budget.ts';
import { MicroBatch } from './micro-batch.ts';

export interface Limits {
  maxRows: number;
  maxBytes: number;
  maxAgeMs: number;
}

interface TableWriterOptions {
  feed: Feed;
  lander: Lander;
  limits: Limits;
  budget: MemoryBudget;
  /** Tries again while the registry is away, until the signal, whose reason it throws then. */
  patiently<T>(call: () => Promise<T>, signal: AbortSignal): Promise<T>;
  /** `newestMs`: partition → the newest event time of what has landed. */
  onLanded(offsets: PartitionOffset[], fillSeconds: number, newestMs: ReadonlyMap<number, number>): void;
  /** Nothing more is landed until `begin`. */
  onFailure(error: unknown): void;
}

/** Rows that are taken up before room is asked for again. */
const rowsPerRoom = 2_048;

/**
 * Fills micro-batches of one table and has them landed: one lands while the next one fills. While the next one is full
 * too, or all tables together hold what the budget allows, `append` waits.
 */
export class TableWriter {
  readonly feed: Feed;
  readonly #options: TableWriterOptions;
  #filling: MicroBatch | undefined;
  /** The room of a micro-batch that has landed, for the next one: left to the garbage collector, it would stay for long. */
  #spare: ColumnBuffers | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Never rejects. */
  #landing: Promise<void> | undefined;
  #claim: Claim | undefined;
  /** Partition → what the ledger says when all that was cut so far has landed. */
  #positions = new Map<number, number>();
  #life = new AbortController();
  #isSealed = false;

  constructor(options: TableWriterOptions) {
    this.#options = options;
    this.feed = options.feed;
  }

  /** What fills and isn't landing yet. */
  get fillingBytes(): number {
    return this.#filling?.usedBytes ?? 0;
  }

  /** Discards what is not being committed, and waits for what is. */
  async discard(): Promise<void> {
    this.#life.abort();
    this.#drop();
    await this.#landing;
  }

  /** A new assignment, after `discard`. */
  begin(claim: Claim): void {
    this.#life = new AbortController();
    this.#claim = claim;
    this.#positions = new Map(claim.positions.map(({ partition, nextOffset }) => [partition, nextOffset]));
  }

  /**
   * Takes a fetched range up. Where `signal` or `seal` ends it half-way, only what it took is landed.
   * Error: what trying again doesn't help against.
   */
  async append(fetched: FetchedRecordBatches, signal: AbortSignal): Promise<void> {
    const { partition } = fetched;
    if (!this.#positions.has(partition)) return;
    const until = AbortSignal.any([signal, this.#life.signal]);
    const isOver = () => until.aborted || this.#isSealed;
    const accepted = { isNoted: false };
    for (const records of fetched.batches) {
      const prepared = await this.#patiently(() => this.feed.codec.prepare(records), until);
      for (let at = 0; prepared && at < records.count && !isOver(); ) {
        while (!isOver() && (!this.#options.budget.hasRoom || this.#isFull())) {
          await this.#options.budget.room(until);
          await this.#room(until);
        }
        if (isOver()) return;
        const next = this.#take(partition, prepared, at, accepted);
        at = next === at ? next + (await this.#settle(partition, records, at, until)) : next;
      }
      if (isOver()) return;
    }
    if (isOver()) return;
    this.#advance(this.#open(), partition, fetched.nextOffset);
    this.#landIfReady();
  }

  /** @returns the index of the first record that it did not take */
  #take(partition: number, prepared: PreparedRecords, from: number, accepted: { isNoted: boolean }): number {
    const { offsets, timestampsMs, count } = prepared.records;
    const filling = this.#open();
    const first = filling.rows;
    const to = Math.min(count, from + rowsPerRoom, from + this.#options.limits.maxRows - first);
    this.#advance(filling, partition, offsets[from]!);
    const next = this.#grown(filling, () => filling.take(partition, prepared, from, to));
    if (next === from) return from;
    this.#advance(filling, partition, offsets[next - 1]! + 1);
    if (!accepted.isNoted) filling.noteAccepted(first, timestampsMs[from]!);
    accepted.isNoted = true;
    return next;
  }

  /** @returns 1 where the record was settled, 0 where nothing of it counts any more */
  async #settle(partition: number, records: RecordBatch, index: number, until: AbortSignal): Promise<number> {
    const input = records.record(index);
    const outcome = await this.#patiently(() => this.feed.settle(input, partition), until);
    if (!outcome || until.aborted || this.#isSealed) return 0;
    const filling = this.#open();
    this.#advance(filling, partition, input.offset);
    this.#grown(filling, () => filling.settle(partition, outcome));
    this.#advance(filling, partition, input.offset + 1);
    return 1;
  }

  /** Undefined where `until` came first. */
  #patiently<T>(call: () => Promise<T>, until: AbortSignal): Promise<T | undefined> {
    return this.#options.patiently(call, until).catch((error: unknown) => {
      if (until.aborted) return undefined;
      throw error;
    });
  }

  #grown<T>(batch: MicroBatch, fill: () => T): T {
    const before = batch.usedBytes;
    const result = fill();
    this.#options.budget.take(batch.usedBytes - before);
    return result;
  }

  #open(): MicroBatch {
    if (this.#filling) return this.#filling;
    const buffers = this.#spare ?? new ColumnBuffers(this.feed.schema);
    this.#spare = undefined;
    const opened = new MicroBatch(this.feed, buffers);
    this.#filling = opened;
    this.#timer = setTimeout(() => {
      opened.isDue = true;
      this.#landIfReady();
    }, this.#options.limits.maxAgeMs);
    return opened;
  }

  #advance(batch: MicroBatch, partition: number, next: number): void {
    batch.advance(partition, this.#positions.get(partition) ?? next, next);
    this.#positions.set(partition, next);
  }

  #isFull(): boolean {
    const { maxRows, maxBytes } = this.#options.limits;
    const filling = this.#filling;
    return filling !== undefined && (filling.rows >= maxRows || filling.usedBytes >= maxBytes);
  }

  /** Waits until the micro-batch that fills is not full, or nothing of this assignment matters any more. */
  async #room(until: AbortSignal): Promise<void> {
    while (this.#isFull() && !until.aborted && !this.#isSealed) {
      this.#landIfReady();
      await this.#landing;
    }
  }

  /** Lands what there is as soon as it can, full or not. */
  cut(): void {
    if (this.#filling) this.#filling.isDue = true;
    this.#landIfReady();
  }

  #landIfReady(): void {
    if (!this.#landing && (this.#filling?.isDue || this.#isFull())) this.#land();
  }

  #land(): void {
    const batch = this.#filling;
    const claim = this.#claim;
    if (!batch || !claim || this.#life.signal.aborted) return;
    clearTimeout(this.#timer);
    this.#filling = undefined;
    this.#landing = this.#run(batch, claim).finally(() => {
      this.#landing = undefined;
      this.#giveBack(batch);
      this.#landIfReady();
    });
  }

  async #run(batch: MicroBatch, claim: Claim): Promise<void> {
    const life = this.#life;
    const fillSeconds = (Date.now() - batch.openedMs) / 1000;
    const { lander, onLanded, onFailure } = this.#options;
    try {
      await lander.land(batch, claim, life.signal);
      onLanded(
        batch.ranges().map(({ topic, partition, nextOffset }) => ({ topic, partition, offset: nextOffset })),
        fillSeconds,
        batch.newestMs,
      );
    } catch (error) {
      if (life.signal.aborted) return;
      // What follows expects that this one has landed.
      life.abort();
      this.#drop();
      onFailure(error);
    }
  }

  #drop(): void {
    clearTimeout(this.#timer);
    const dropped = this.#filling;
    this.#filling = undefined;
    if (dropped) this.#giveBack(dropped);
  }

  #giveBack(batch: MicroBatch): void {
    this.#options.budget.give(batch.usedBytes);
    batch.buffers.clear();
    this.#spare ??= batch.buffers;
  }

  /** Gives up the room that nothing lies in. */
  dropSpare(): void {
    this.#spare = undefined;
  }

  /** From now on nothing is taken up. */
  seal(): void {
    this.#isSealed = true;
    this.cut();
  }

  /** Lands what was taken up; false where `deadline` came first: then it is left to be read again. */
  async drain(deadline: AbortSignal): Promise<boolean> {
    const over = Promise.withResolvers<void>();
    const onDeadline = () => {
      this.#life.abort();
      over.resolve();
    };
    if (deadline.aborted) onDeadline();
    deadline.addEventListener('abort', onDeadline, { once: true });
    while ((this.#filling || this.#landing) && !this.#life.signal.aborted) {
      this.cut();
      await Promise.race([this.#landing, over.promise]);
    }
    deadline.removeEventListener('abort', onDeadline);
    return !this.#life.signal.aborted;
  }
}
