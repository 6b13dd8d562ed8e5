import { partitionName } from '@windrow/contracts';
import type { FetchedRange, PartitionOffset, RejectedRecord } from '@windrow/pipeline';
import { isRetriable, type Logger, type Readiness, retryUntilReady, WindrowError } from '@windrow/runtime';
import type {
  Claim,
  Decode,
  DecodedRecords,
  Destination,
  LedgerPosition,
  Limits,
  MicroBatch,
} from './destination.ts';
import { Filling } from './filling.ts';
import type { MemoryBudget } from './memory-budget.ts';
import type { RunnerMetrics } from './runner-metrics.ts';
import { orAborted, within } from './waiting.ts';

export interface LaneOptions<Batch extends MicroBatch, C extends Claim> {
  destination: Pick<
    Destination<Batch, C, never>,
    'stream' | 'topic' | 'table' | 'newBatch' | 'land' | 'release' | 'trim'
  >;
  limits: Limits;
  budget: MemoryBudget;
  metrics: RunnerMetrics;
  readiness: Pick<Readiness, 'met' | 'unmet'>;
  log: Logger;
  sendDeadLetters(rejected: readonly RejectedRecord[], signal: AbortSignal): Promise<void>;
  onLanded(offsets: PartitionOffset[]): void;
  /** Nothing more lands until `begin`. */
  onFailure(error: unknown): void;
}

/** Records that are taken before the memory budget is checked again. */
const recordsPerTake = 2_048;
/** After the deadline of `drain`, what is under way gets this long to end. */
const lastWordMs = 3_000;

/**
 * Fills micro-batches from some partitions of a topic and lands them in order: one lands while the next one fills. While
 * both are full, or all lanes together hold what the memory budget allows, `append` waits.
 */
export class PartitionLane<Batch extends MicroBatch, C extends Claim> {
  readonly #options: LaneOptions<Batch, C>;
  readonly #log: Logger;
  #filling: Filling<Batch> | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Never rejects. */
  #landing: Promise<void> | undefined;
  #claim: C | undefined;
  /** Partition → what the ledger says when everything that was taken so far has landed. */
  #positions = new Map<number, number>();
  #life = new AbortController();
  readonly #sealed = new AbortController();
  readonly #hardStop = new AbortController();

  constructor(options: LaneOptions<Batch, C>) {
    this.#options = options;
    const { stream, topic, table } = options.destination;
    this.#log = options.log.child({ stream, topic, table });
  }

  /** The memory of rows that are not landing yet. */
  get fillingBytes(): number {
    return this.#filling?.batch.usedBytes ?? 0;
  }

  /** Whether the partition is of its assignment. */
  owns(partition: number): boolean {
    return this.#positions.has(partition);
  }

  /** Ends the assignment: drops what is not being landed, and waits for what is. */
  async discard(): Promise<void> {
    this.#life.abort();
    this.#drop();
    await this.#landing;
  }

  /** Begins an assignment, after `discard`. `positions`: those of the claim that are this lane's. */
  begin(claim: C, positions: readonly LedgerPosition[]): void {
    this.#life = new AbortController();
    this.#claim = claim;
    this.#positions = new Map(positions.map(({ partition, nextOffset }) => [partition, nextOffset]));
  }

  /**
   * Takes the records of a fetched range. Where `signal`, `seal` or a failure ends it early, only what it took lands.
   * @throws errors of decoding that a retry doesn't help against
   */
  async append(fetched: FetchedRange, parts: Iterable<Decode<Batch>>, signal: AbortSignal): Promise<void> {
    const { partition } = fetched;
    const position = this.#positions.get(partition);
    if (position === undefined) return;
    if (fetched.firstOffset < position) {
      const message = `offset ${fetched.firstOffset} of ${partitionName(fetched)} was fetched again, after ${position}`;
      throw new WindrowError('LEDGER_LOST', message, { retriable: true });
    }
    const until = AbortSignal.any([signal, this.#life.signal, this.#sealed.signal]);
    for (const decode of parts) {
      const records = await this.#retryDecoding(decode, until);
      for (let at = 0; records && at < records.count && !until.aborted; ) {
        // Nothing is awaited between the check and the taking: other partitions wait for the same room.
        while (!until.aborted && !this.#hasRoom) await this.#room(until);
        if (until.aborted) return;
        const next = this.#take(partition, records, at);
        at = next > at ? next : at + (await this.#takeAlone(partition, records, at, until));
      }
      if (until.aborted) return;
    }
    if (until.aborted) return;
    this.#advance(this.#open(), partition, fetched.nextOffset);
    this.#landIfReady();
  }

  /** @returns the index of the first record that it did not take */
  #take(partition: number, records: DecodedRecords<Batch>, from: number): number {
    const filling = this.#open();
    const { batch } = filling;
    const most = Math.min(recordsPerTake, this.#options.limits.maxRows - batch.rowCount);
    const to = Math.min(records.count, from + most);
    this.#advance(filling, partition, records.offsetAt(from));
    const next = this.#grow(filling, () => records.take(batch, from, to, this.#isFull));
    if (next > from) this.#advance(filling, partition, records.offsetAt(next - 1) + 1);
    return next;
  }

  /** @returns the number of records that it took: none where `until` was aborted */
  async #takeAlone(
    partition: number,
    records: DecodedRecords<Batch>,
    index: number,
    until: AbortSignal,
  ): Promise<0 | 1> {
    const add = await this.#retryDecoding(() => {
      if (!records.decodeAlone) throw new TypeError(`${this.#options.destination.table} takes no records`);
      return records.decodeAlone(index);
    }, until);
    if (!add || until.aborted) return 0;
    const filling = this.#open();
    this.#advance(filling, partition, records.offsetAt(index));
    this.#grow(filling, () => add(filling.batch));
    this.#advance(filling, partition, records.offsetAt(index) + 1);
    return 1;
  }

  /** Undefined where `until` was aborted. */
  async #retryDecoding<T>(call: () => Promise<T>, until: AbortSignal): Promise<T | undefined> {
    const { destination, readiness } = this.#options;
    try {
      return await retryUntilReady(call, {
        condition: `schemas of ${destination.topic}`,
        readiness,
        log: this.#log,
        signal: until,
      });
    } catch (error) {
      if (until.aborted) return undefined;
      throw error;
    }
  }

  #grow<T>(filling: Filling<Batch>, fill: () => T): T {
    const { batch } = filling;
    const before = batch.usedBytes;
    const result = fill();
    const grown = batch.usedBytes - before;
    filling.heldBytes += grown;
    this.#options.budget.take(grown);
    return result;
  }

  #open(): Filling<Batch> {
    if (this.#filling) return this.#filling;
    const { destination, limits } = this.#options;
    if (!this.#claim) throw new Error(`${destination.table} has no claim yet`);
    const opened = new Filling(destination.newBatch(this.#claim));
    this.#filling = opened;
    this.#timer = setTimeout(() => {
      opened.isDue = true;
      this.#landIfReady();
    }, limits.maxAgeMs);
    return opened;
  }

  #advance(filling: Filling<Batch>, partition: number, nextOffset: number): void {
    filling.advance(partition, this.#positions.get(partition) ?? nextOffset, nextOffset);
    this.#positions.set(partition, nextOffset);
  }

  readonly #isFull = (): boolean => {
    const { maxRows, maxBytes } = this.#options.limits;
    const batch = this.#filling?.batch;
    if (!batch) return false;
    return batch.rowCount >= maxRows || batch.usedBytes >= maxBytes || batch.isFull === true;
  };

  get #hasRoom(): boolean {
    return this.#options.budget.hasRoom && !this.#isFull();
  }

  /** Waits until there may be room, or `until` is aborted. */
  async #room(until: AbortSignal): Promise<void> {
    await this.#options.budget.room(until);
    if (!this.#isFull()) return;
    this.#landIfReady();
    await orAborted(this.#landing, until);
  }

  /** Lands what there is as soon as possible, full or not. */
  cut(): void {
    if (this.#filling) this.#filling.isDue = true;
    this.#landIfReady();
  }

  #landIfReady(): void {
    if (!this.#landing && (this.#filling?.isDue || this.#isFull())) this.#land();
  }

  #land(): void {
    const filling = this.#filling;
    const claim = this.#claim;
    if (!filling || !claim || this.#life.signal.aborted) return;
    clearTimeout(this.#timer);
    this.#filling = undefined;
    this.#landing = this.#run(filling, claim).finally(() => {
      this.#landing = undefined;
      this.#release(filling);
      this.#landIfReady();
    });
  }

  async #run(filling: Filling<Batch>, claim: C): Promise<void> {
    const life = this.#life;
    const fillSeconds = filling.ageSeconds;
    const { destination, metrics, sendDeadLetters, onLanded, onFailure } = this.#options;
    const ranges = filling.ranges();
    try {
      await destination.land(filling.batch, {
        claim,
        ranges,
        signal: life.signal,
        hardStop: this.#hardStop.signal,
        retry: (call) => this.#retryLanding(call, life.signal),
        sendDeadLetters: (rejected) => sendDeadLetters(rejected, life.signal),
      });
    } catch (error) {
      if (isLedgerLost(error)) metrics.conflicts.inc();
      if (life.signal.aborted) return;
      // What follows expects that this one has landed.
      life.abort();
      this.#drop();
      onFailure(error);
      return;
    }
    metrics.fillSeconds.observe(fillSeconds);
    const { topic } = destination;
    onLanded(ranges.map(({ partition, nextOffset }) => ({ topic, partition, offset: nextOffset })));
  }

  #retryLanding<T>(call: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const { destination, readiness, metrics } = this.#options;
    return retryUntilReady(call, {
      condition: `landing in ${destination.table}`,
      readiness,
      log: this.#log,
      signal,
      // Whether the partitions are still ours, only the ledger knows.
      retriable: (error) => isRetriable(error) && !isLedgerLost(error) && !isFenced(error),
      onRetry: () => metrics.retries.inc(),
    });
  }

  #drop(): void {
    clearTimeout(this.#timer);
    const dropped = this.#filling;
    this.#filling = undefined;
    if (dropped) this.#release(dropped);
  }

  #release({ batch, heldBytes }: Filling<Batch>): void {
    this.#options.budget.give(heldBytes);
    this.#options.destination.release?.(batch);
  }

  /** From now on nothing is taken, and nobody waits for room. */
  seal(): void {
    this.#sealed.abort();
    this.cut();
  }

  /** Lands what was taken. @returns false where it failed or `deadline` came first: then it will be read again */
  async drain(deadline: AbortSignal): Promise<boolean> {
    const onDeadline = () => {
      this.#life.abort();
      this.#hardStop.abort();
    };
    if (deadline.aborted) onDeadline();
    deadline.addEventListener('abort', onDeadline, { once: true });
    while ((this.#filling || this.#landing) && !this.#life.signal.aborted) {
      this.cut();
      await orAborted(this.#landing, this.#life.signal);
    }
    await within(lastWordMs, this.#landing);
    deadline.removeEventListener('abort', onDeadline);
    return !this.#life.signal.aborted;
  }
}

const hasCode = (error: unknown, code: WindrowError['code']): boolean =>
  error instanceof WindrowError && error.code === code;

const isLedgerLost = (error: unknown): boolean => hasCode(error, 'LEDGER_LOST');

const isFenced = (error: unknown): boolean => hasCode(error, 'KAFKA_FENCED');
