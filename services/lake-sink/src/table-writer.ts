import type { Claim } from '@windrow/lake';
import type { FetchedBatch, Outcome, PartitionOffset } from '@windrow/pipeline';
import { acceptedMs, type Feed } from './feeds.ts';
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
  onLanded(offsets: PartitionOffset[], fillSeconds: number): void;
  /** Nothing more is landed until `begin`. */
  onFailure(error: unknown): void;
}

/** Rows that are taken up before room is asked for again. */
const rowsPerRoom = 256;

/**
 * Fills micro-batches of one table and has them landed: one lands while the next one fills. While the next one is full
 * too, or all tables together hold what the budget allows, `append` waits.
 */
export class TableWriter {
  readonly feed: Feed;
  /** Partition → the newest event time that has landed. */
  readonly newestMs = new Map<number, number>();
  readonly #options: TableWriterOptions;
  #filling: MicroBatch | undefined;
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
    return this.#filling?.bytes ?? 0;
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
    this.newestMs.clear();
  }

  /** Takes a fetched range up. Where `signal` or `seal` ends it half-way, only what it took is landed. */
  async append(batch: FetchedBatch, outcomes: Outcome[], signal: AbortSignal): Promise<void> {
    const { partition } = batch;
    if (!this.#positions.has(partition)) return;
    const until = AbortSignal.any([signal, this.#life.signal]);
    let noted = false;
    for (const [index, outcome] of outcomes.entries()) {
      if (index % rowsPerRoom === 0) await this.#options.budget.room(until);
      if (this.#isFull()) await this.#room(until);
      if (until.aborted || this.#isSealed) return;
      const filling = this.#open(partition, outcome.input.offset + 1);
      this.#options.budget.take(filling.add(partition, outcome));
      if (!noted && outcome.kind === 'ok') {
        filling.acceptedMs.push(acceptedMs(this.feed, outcome.input, outcome.record));
        noted = true;
      }
    }
    if (until.aborted || this.#isSealed) return;
    this.#open(partition, batch.nextOffset);
    this.#landIfReady();
  }

  #open(partition: number, next: number): MicroBatch {
    let filling = this.#filling;
    if (!filling) {
      filling = new MicroBatch(this.feed);
      this.#filling = filling;
      const opened = filling;
      this.#timer = setTimeout(() => {
        opened.isDue = true;
        this.#landIfReady();
      }, this.#options.limits.maxAgeMs);
    }
    filling.advance(partition, this.#positions.get(partition) ?? next, next);
    this.#positions.set(partition, next);
    return filling;
  }

  #isFull(): boolean {
    const { maxRows, maxBytes } = this.#options.limits;
    const filling = this.#filling;
    return filling !== undefined && (filling.rows >= maxRows || filling.bytes >= maxBytes);
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
      for (const [partition, timeMs] of batch.newestMs) {
        this.newestMs.set(partition, Math.max(timeMs, this.newestMs.get(partition) ?? timeMs));
      }
      onLanded(
        batch.ranges().map(({ topic, partition, nextOffset }) => ({ topic, partition, offset: nextOffset })),
        fillSeconds,
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
    batch.release();
    this.#options.budget.give(batch.bytes);
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
