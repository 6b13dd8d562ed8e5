import type { FetchedBatch, Outcome, PartitionOffset } from '@windrow/pipeline';
import type { Committer } from './commit.ts';
import type { Feed } from './feeds.ts';
import { MicroBatch } from './micro-batch.ts';

export interface Limits {
  maxRows: number;
  maxBytes: number;
  maxAgeMs: number;
}

interface TableWriterOptions {
  feed: Feed;
  committer: Committer;
  limits: Limits;
  onLanded(offsets: PartitionOffset[], fillSeconds: number): void;
  /** Nothing more is landed until `begin`. */
  onFailure(error: unknown): void;
}

/**
 * Fills micro-batches of some partitions of a table and hands them to its committer: one lands while the next one fills, and while both
 * are full `append` waits. So it holds at most twice `maxBytes`, and one record more.
 */
export class TableWriter {
  readonly #options: TableWriterOptions;
  #filling: MicroBatch | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Never rejects. */
  #landing: Promise<void> | undefined;
  /** Partition → what the ledger says when all that was cut so far has landed. */
  #positions = new Map<number, number>();
  /** UTC days in one micro-batch. */
  #maxDays = 0;
  #life = new AbortController();
  readonly #hard = new AbortController();
  readonly #sealed = Promise.withResolvers<void>();
  #isSealed = false;

  constructor(options: TableWriterOptions) {
    this.#options = options;
  }

  /** Discards what is not under way, and waits for what is. */
  async discard(): Promise<void> {
    this.#life.abort();
    this.#drop();
    await this.#landing;
  }

  /**
   * A new assignment, after `discard`; `positions`: what the ledger says of each of its partitions; `maxDays`: on how many UTC days
   * the server has locks for the rows of one micro-batch.
   */
  begin(positions: Map<number, number>, maxDays: number): void {
    this.#life = new AbortController();
    this.#maxDays = maxDays;
    this.#positions = positions;
  }

  /** Whether the partition is of its assignment. */
  owns(partition: number): boolean {
    return this.#positions.has(partition);
  }

  /** Takes a fetched range up. Where `signal` or `seal` ends it half-way, only what it took is landed. */
  async append(batch: FetchedBatch, outcomes: Outcome[], signal: AbortSignal): Promise<void> {
    const { partition } = batch;
    if (!this.#positions.has(partition)) return;
    let noted = false;
    for (const outcome of outcomes) {
      if (this.#isFull()) await this.#room(signal);
      if (this.#isOver(signal)) return;
      const filling = this.#open(partition, outcome.input.offset + 1);
      filling.add(partition, outcome);
      if (!noted && outcome.kind === 'ok') {
        filling.noteAccepted(outcome.input, outcome.record);
        noted = true;
      }
    }
    if (this.#isOver(signal)) return;
    this.#open(partition, batch.nextOffset);
    this.#landIfReady();
  }

  #open(partition: number, next: number): MicroBatch {
    let filling = this.#filling;
    if (!filling) {
      filling = new MicroBatch(this.#options.feed);
      this.#filling = filling;
      const opened = filling;
      this.#timer = setTimeout(() => {
        opened.isDue = true;
        this.#landIfReady();
      }, this.#options.limits.maxAgeMs);
    }
    const expected = this.#positions.get(partition) ?? next;
    filling.advance(partition, expected, next);
    this.#positions.set(partition, next);
    return filling;
  }

  #isFull(): boolean {
    const { maxRows, maxBytes } = this.#options.limits;
    const filling = this.#filling;
    if (!filling) return false;
    const { rows, refused, bytes } = filling;
    return rows.count + refused.length >= maxRows || bytes >= maxBytes || rows.days.size >= this.#maxDays;
  }

  /** Waits until the micro-batch that fills is not full, or nothing of this assignment matters any more. */
  async #room(signal: AbortSignal): Promise<void> {
    const ended = Promise.withResolvers<void>();
    const onAbort = () => ended.resolve();
    signal.addEventListener('abort', onAbort, { once: true });
    while (this.#isFull() && !this.#isOver(signal)) {
      this.#landIfReady();
      await Promise.race([this.#landing, ended.promise, this.#sealed.promise]);
    }
    signal.removeEventListener('abort', onAbort);
  }

  #isOver(signal: AbortSignal): boolean {
    return signal.aborted || this.#isSealed || this.#life.signal.aborted;
  }

  #landIfReady(): void {
    if (!this.#landing && (this.#filling?.isDue || this.#isFull())) this.#land();
  }

  #land(): void {
    const batch = this.#filling;
    if (!batch || this.#life.signal.aborted) return;
    clearTimeout(this.#timer);
    this.#filling = undefined;
    this.#landing = this.#run(batch).finally(() => {
      this.#landing = undefined;
      batch.release();
      this.#landIfReady();
    });
  }

  async #run(batch: MicroBatch): Promise<void> {
    const life = this.#life;
    const fillSeconds = (Date.now() - batch.openedMs) / 1000;
    const { feed, committer, onLanded, onFailure } = this.#options;
    try {
      const steps = await committer.land(batch, life.signal, this.#hard.signal);
      onLanded(
        steps.map(({ partition, next }) => ({ topic: feed.topic, partition, offset: next })),
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
    this.#filling?.release();
    this.#filling = undefined;
  }

  /** From now on nothing is taken up, and nobody waits for room. */
  seal(): void {
    this.#isSealed = true;
    this.#sealed.resolve();
  }

  /** Lands what was taken up; false where `deadline` came first: then it is left to be read again. */
  async drain(deadline: AbortSignal): Promise<boolean> {
    const onDeadline = () => {
      this.#life.abort();
      this.#hard.abort();
    };
    deadline.addEventListener('abort', onDeadline, { once: true });
    while ((this.#filling || this.#landing) && !this.#life.signal.aborted) {
      if (!this.#landing) this.#land();
      await this.#landing;
    }
    await this.#landing;
    deadline.removeEventListener('abort', onDeadline);
    return !this.#life.signal.aborted;
  }
}
