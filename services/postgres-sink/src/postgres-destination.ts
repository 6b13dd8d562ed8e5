import { finished } from 'node:stream/promises';
import type { FetchedBatch, RejectedRecord } from '@windrow/pipeline';
import {
  advanceLedger,
  type Database,
  DayPartitions,
  hasAdvanced,
  isMissingPartition,
  type LedgerStep,
  maxDaysAtOnce,
  openLedger,
  rejectionReasonOf,
  type Statements,
  statementsOf,
} from '@windrow/postgres';
import { failpoint, WindrowError } from '@windrow/runtime';
import { type Claim, type Decode, type Destination, type Landing, recordSlices } from '@windrow/sink';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import type { Feed } from './feeds.ts';
import type { SinkMetrics } from './metrics.ts';
import { MicroBatch } from './micro-batch.ts';

/** The ledger fences former owners: their transactions fail because the ledger has advanced. */
export interface PostgresClaim extends Claim {
  /** On how many UTC days one transaction may write rows: each day is a partition of the table, which needs locks. */
  readonly maxDays: number;
}

interface Landed {
  /** Rows inserted or replaced. */
  rows: number;
  rejected: readonly RejectedRecord[];
  steps: readonly LedgerStep[];
}

interface PostgresDestinationOptions {
  feed: Feed;
  database: Database;
  /** Transactions that write to the table at the same time. They share the server's locks. */
  lanes: number;
  metrics: SinkMetrics;
}

/** A table of Postgres. One transaction writes a micro-batch and advances the ledger. */
export class PostgresDestination implements Destination<MicroBatch, PostgresClaim, FetchedBatch> {
  readonly howToReset = "delete the topic's rows from windrow.sink_offset";
  readonly #feed: Feed;
  readonly #database: Database;
  readonly #lanes: number;
  readonly #metrics: SinkMetrics;
  readonly #statements: Statements;
  readonly #days: DayPartitions;

  constructor({ feed, database, lanes, metrics }: PostgresDestinationOptions) {
    this.#feed = feed;
    this.#database = database;
    this.#lanes = lanes;
    this.#metrics = metrics;
    this.#statements = statementsOf(feed.mapping);
    this.#days = new DayPartitions(feed.mapping.table);
  }

  get stream(): string {
    return this.#feed.stream;
  }

  get topic(): string {
    return this.#feed.topic;
  }

  get table(): string {
    return this.#feed.mapping.table;
  }

  async claim(partitions: readonly number[], retained: ReadonlyMap<number, number>): Promise<PostgresClaim> {
    const { topic, table } = this;
    const firsts = new Map(partitions.map((partition) => [partition, retained.get(partition) ?? 0]));
    const entries = await this.#database.use('return the ledger', (db) => openLedger(db, topic, firsts));
    const maxDays = await this.#database.use('return its settings', (db) => maxDaysAtOnce(db, table));
    return {
      // A new entry of the ledger begins with the first offset that Kafka retains.
      positions: entries.map(({ partition, nextOffset }) => ({ partition, nextOffset, isNew: false })),
      maxDays: Math.max(1, Math.floor(maxDays / this.#lanes)),
    };
  }

  newBatch({ maxDays }: PostgresClaim): MicroBatch {
    return new MicroBatch(this.#feed, maxDays);
  }

  decode(fetched: FetchedBatch): Iterable<Decode<MicroBatch>> {
    return recordSlices(fetched, (slice) => this.#feed.decode(slice));
  }

  release(batch: MicroBatch): void {
    batch.release();
  }

  onExpired(offsets: number): void {
    this.#metrics.events.inc({ stream: this.stream, outcome: 'expired' }, offsets);
  }

  /** If the answer to a COMMIT was lost, the ledger shows whether it succeeded. */
  async land(batch: MicroBatch, landing: Landing<PostgresClaim>): Promise<void> {
    const { hardStop, retry } = landing;
    /** The outcome of the last attempt that sent COMMIT without an answer. It may have succeeded. */
    let unanswered: Landed | undefined;
    const landed = await retry(async () => {
      const open = unanswered;
      if (open && (await this.#hasLanded(open, hardStop))) return open;
      try {
        return await this.#attempt(batch, landing, (sent) => {
          unanswered = sent;
        });
      } catch (error) {
        // The COMMIT without an answer may have succeeded after its connection was closed here.
        if (isLost(error) && open && (await this.#hasLanded(open, hardStop))) return open;
        throw error;
      }
    });
    this.#count(batch, landed);
  }

  #hasLanded({ steps }: Landed, hardStop: AbortSignal): Promise<boolean> {
    return this.#database.use('return the ledger', (db) => hasAdvanced(db, this.topic, [...steps]), hardStop);
  }

  #attempt(
    batch: MicroBatch,
    { ranges, hardStop, sendDeadLetters }: Landing<PostgresClaim>,
    onCommitSent: (landed: Landed) => void,
  ): Promise<Landed> {
    const { topic, table } = this;
    const work = async (db: pg.PoolClient): Promise<Landed> => {
      if (batch.rows.count > 0) await db.query(this.#statements.createStaging);
      await this.#days.ensure(db, batch.rows.days);
      await db.query('BEGIN');
      await failpoint('postgres.transaction.afterBegin');
      const { rows, rejected } = await this.#landRows(db, batch);
      await failpoint('postgres.transaction.afterInsert');
      const startedMs = performance.now();
      const steps = batch.ledgerSteps(ranges, rejected);
      if (!(await advanceLedger(db, topic, steps))) throw lost(topic, steps);
      // Sent while the ledger's rows are locked, so that only their owner sends, and before the new offsets are committed.
      if (rejected.length > 0) {
        await failpoint('postgres.deadLetters.beforeSend');
        await sendDeadLetters(rejected);
        await failpoint('postgres.deadLetters.afterSend');
      }
      const result = { rows, rejected, steps };
      await failpoint('postgres.transaction.beforeCommit');
      onCommitSent(result);
      await db.query('COMMIT');
      await failpoint('postgres.transaction.afterCommit');
      this.#metrics.seconds('commit').observe((performance.now() - startedMs) / 1000);
      return result;
    };
    return this.#database.use(`land ${batch.rows.count} rows in ${table}`, work, hardStop);
  }

  async #landRows(db: pg.PoolClient, batch: MicroBatch): Promise<Pick<Landed, 'rows' | 'rejected'>> {
    const rejected = [...batch.rejected];
    const { count } = batch.rows;
    if (count === 0) return { rows: 0, rejected };
    try {
      return { rows: await this.#landRange(db, batch, 0, count), rejected };
    } catch (error) {
      if (rejectionReasonOf(error) === null) throw this.#withoutPartition(error);
      await db.query('ROLLBACK');
      await db.query('BEGIN');
      return { rows: await this.#isolate(db, batch, 0, count, error, rejected), rejected };
    }
  }

  /** Copies rows to the staging table and inserts them from there. @returns the number of rows inserted or replaced */
  async #landRange(db: pg.PoolClient, batch: MicroBatch, from: number, to: number): Promise<number> {
    const startedMs = performance.now();
    const copy = db.query(copyFrom(this.#statements.copy));
    for (const piece of batch.rows.stream(from, to)) copy.write(piece);
    copy.end();
    await finished(copy);
    await failpoint('postgres.transaction.afterCopy');
    const copiedMs = performance.now();
    const { rows } = await db.query<{ landed: number }>(this.#statements.land);
    this.#metrics.seconds('copy').observe((copiedMs - startedMs) / 1000);
    this.#metrics.seconds('land').observe((performance.now() - copiedMs) / 1000);
    return rows[0]?.landed ?? 0;
  }

  /** Writes the halves of a range that failed with `error`, and their halves, until only the rejected rows remain. */
  async #isolate(
    db: pg.PoolClient,
    batch: MicroBatch,
    from: number,
    to: number,
    error: unknown,
    rejected: RejectedRecord[],
  ): Promise<number> {
    const reason = rejectionReasonOf(error);
    if (reason === null) throw this.#withoutPartition(error);
    if (to - from === 1) {
      rejected.push(batch.rejectRow(from, reason, error instanceof Error ? error.message : String(error)));
      return 0;
    }
    const middle = (from + to) >>> 1;
    let landed = 0;
    for (const [begin, end] of [
      [from, middle],
      [middle, to],
    ] as const) {
      await db.query('SAVEPOINT part');
      try {
        await db.query(this.#statements.truncateStaging);
        landed += await this.#landRange(db, batch, begin, end);
        await db.query('RELEASE SAVEPOINT part');
      } catch (partError) {
        if (rejectionReasonOf(partError) === null) throw this.#withoutPartition(partError);
        await db.query('ROLLBACK TO SAVEPOINT part; RELEASE SAVEPOINT part');
        landed += await this.#isolate(db, batch, begin, end, partError, rejected);
      }
    }
    return landed;
  }

  /** If somebody has dropped the partition of a day, the next attempt creates it again. */
  #withoutPartition(error: unknown): unknown {
    if (!isMissingPartition(error)) return error;
    this.#days.forget();
    const message = `the partition of a day is missing in ${this.table}; the sink creates it again`;
    return new WindrowError('POSTGRES_FAILED', message, { retriable: true, cause: error });
  }

  #count(batch: MicroBatch, { rows: landed, rejected, steps }: Landed): void {
    const { events, deadLetters, rows, bytes, endToEnd } = this.#metrics;
    const { stream, mapping } = this.#feed;
    const applied = steps.reduce((sum, step) => sum + step.rows, 0);
    const ok = mapping.onConflict === 'replace' ? applied : landed;
    events.inc({ stream, outcome: 'ok' }, ok);
    events.inc({ stream, outcome: 'duplicate' }, applied - ok);
    events.inc({ stream, outcome: 'deadLetter' }, rejected.length);
    events.inc({ stream, outcome: 'skipped' }, batch.skipped);
    for (const { stage, reason } of rejected) deadLetters.inc({ stage, reason });
    rows.observe(batch.rows.count);
    bytes.observe(batch.rows.bytes);
    const nowMs = Date.now();
    for (const acceptedMs of batch.acceptedMs) endToEnd.observe(Math.max(0, nowMs - acceptedMs) / 1000);
  }
}

function lost(topic: string, steps: readonly LedgerStep[]): WindrowError {
  const ranges = steps.map(({ partition, expected, next }) => `${partition}: ${expected}–${next}`).join(', ');
  const message = `another instance has advanced the ledger of ${topic} (${ranges}). The micro-batch is discarded and the ledger is read again`;
  return new WindrowError('LEDGER_LOST', message, { retriable: true });
}

const isLost = (error: unknown): boolean => error instanceof WindrowError && error.code === 'LEDGER_LOST';
