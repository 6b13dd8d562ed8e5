import { finished } from 'node:stream/promises';
import type { DeadLetters, RejectedRecord } from '@windrow/pipeline';
import type { Database } from '@windrow/postgres';
import {
  advanceLedger,
  DayPartitions,
  hasAdvanced,
  isMissingPartition,
  type LedgerStep,
  refusalOf,
  type Statements,
  statementsOf,
} from '@windrow/postgres';
import { failpoint, isRetriable, type Logger, retry, WindrowError } from '@windrow/runtime';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import type { Feed } from './feeds.ts';
import type { SinkMetrics } from './metrics.ts';
import type { MicroBatch } from './micro-batch.ts';

interface Landed {
  /** Rows inserted or replaced. */
  landed: number;
  refused: RejectedRecord[];
  steps: LedgerStep[];
}

interface CommitterOptions {
  feed: Feed;
  database: Database;
  deadLetters: DeadLetters;
  metrics: SinkMetrics;
  log: Logger;
}

/** Lands micro-batches of one table, one at a time: each is one transaction, together with its ledger steps. */
export class Committer {
  readonly #feed: Feed;
  readonly #database: Database;
  readonly #deadLetters: DeadLetters;
  readonly #metrics: SinkMetrics;
  readonly #log: Logger;
  readonly #statements: Statements;
  readonly #days: DayPartitions;

  constructor({ feed, database, deadLetters, metrics, log }: CommitterOptions) {
    this.#feed = feed;
    this.#database = database;
    this.#deadLetters = deadLetters;
    this.#metrics = metrics;
    this.#log = log;
    this.#statements = statementsOf(feed.mapping);
    this.#days = new DayPartitions(feed.mapping.table);
  }

  /**
   * Tries until the micro-batch has landed, and gives the steps that the ledger has taken. `life` ends the trying,
   * `hard` also ends what is under way. A commit whose answer was lost is settled by what the ledger says.
   * Errors: LEDGER_LOST (retriable in that the ledger is read anew), POSTGRES_FAILED.
   */
  async land(batch: MicroBatch, life: AbortSignal, hard: AbortSignal): Promise<LedgerStep[]> {
    const { topic, stream } = this.#feed;
    /** The last attempt's outcome, if its COMMIT was sent: it may have been done. */
    let unanswered: Landed | undefined;
    const attempt = async (): Promise<Landed> => {
      const open = unanswered;
      if (open && (await this.#hasLanded(open, hard))) return open;
      try {
        return await this.#attempt(batch, life, hard, (landed) => {
          unanswered = landed;
        });
      } catch (error) {
        // The commit that got no answer may have been done while its connection was already given up.
        if (isLost(error) && open && (await this.#hasLanded(open, hard))) return open;
        throw error;
      }
    };
    const result = await retry(attempt, {
      signal: life,
      capMs: 5_000,
      retriable: (error) => isRetriable(error) && !isLost(error),
      onRetry: ({ error, attempt: number, delayMs }) => {
        this.#metrics.retries.inc();
        this.#log.warn(
          { err: error, stream, topic, attempt: number, delayMs },
          'trying the micro-batch again',
        );
      },
    });
    this.#count(batch, result);
    return result.steps;
  }

  #hasLanded(landed: Landed, hard: AbortSignal): Promise<boolean> {
    return this.#database.use(
      'give its ledger',
      (db) => hasAdvanced(db, this.#feed.topic, landed.steps),
      hard,
    );
  }

  #attempt(
    batch: MicroBatch,
    life: AbortSignal,
    hard: AbortSignal,
    onCommitSent: (landed: Landed) => void,
  ): Promise<Landed> {
    const { topic, mapping } = this.#feed;
    const what = `land ${batch.rows.count} rows in ${mapping.table}`;
    const work = async (db: pg.PoolClient): Promise<Landed> => {
      if (batch.rows.count > 0) await db.query(this.#statements.createStaging);
      await this.#days.ensure(db, batch.rows.days);
      await db.query('BEGIN');
      await failpoint('postgres.transaction.afterBegin');
      const { landed, refused } = await this.#landRows(db, batch);
      await failpoint('postgres.transaction.afterInsert');
      const startedMs = performance.now();
      const steps = batch.ledgerSteps(refused);
      if (!(await advanceLedger(db, topic, steps))) throw this.#lost(steps);
      await this.#sendDeadLetters(refused, AbortSignal.any([life, hard]));
      const result = { landed, refused, steps };
      await failpoint('postgres.transaction.beforeCommit');
      onCommitSent(result);
      await db.query('COMMIT');
      await failpoint('postgres.transaction.afterCommit');
      this.#metrics.seconds('commit').observe((performance.now() - startedMs) / 1000);
      return result;
    };
    return this.#database.use(what, work, hard);
  }

  async #landRows(
    db: pg.PoolClient,
    batch: MicroBatch,
  ): Promise<{ landed: number; refused: RejectedRecord[] }> {
    const refused = [...batch.refused];
    if (batch.rows.count === 0) return { landed: 0, refused };
    try {
      return { landed: await this.#landRange(db, batch, 0, batch.rows.count), refused };
    } catch (error) {
      if (refusalOf(error) === null) throw this.#withoutPartition(error);
      await db.query('ROLLBACK');
      await db.query('BEGIN');
      return { landed: await this.#isolate(db, batch, 0, batch.rows.count, error, refused), refused };
    }
  }

  /** COPY into the staging table, and from there on; the number of rows inserted or replaced. */
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

  /** Lands the halves of a range that `error` refused, and their halves, until only the rows at fault are left over. */
  async #isolate(
    db: pg.PoolClient,
    batch: MicroBatch,
    from: number,
    to: number,
    error: unknown,
    refused: RejectedRecord[],
  ): Promise<number> {
    const reason = refusalOf(error);
    if (reason === null) throw this.#withoutPartition(error);
    if (to - from === 1) {
      refused.push(batch.refuse(from, reason, error instanceof Error ? error.message : String(error)));
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
      } catch (failure) {
        if (refusalOf(failure) === null) throw this.#withoutPartition(failure);
        await db.query('ROLLBACK TO SAVEPOINT part; RELEASE SAVEPOINT part');
        landed += await this.#isolate(db, batch, begin, end, failure, refused);
      }
    }
    return landed;
  }

  /** A day's partition that somebody has dropped is made again by the next attempt. */
  #withoutPartition(error: unknown): unknown {
    if (!isMissingPartition(error)) return error;
    this.#days.forget();
    const message = `Postgres did not find a day's partition of ${this.#feed.mapping.table}`;
    return new WindrowError('POSTGRES_FAILED', message, { retriable: true, cause: error });
  }

  /** While the ledger's lines are locked, so that only their owner sends any, and before it has passed their events. */
  async #sendDeadLetters(refused: RejectedRecord[], signal: AbortSignal): Promise<void> {
    if (refused.length === 0) return;
    await failpoint('postgres.deadLetters.beforeSend');
    await this.#deadLetters.send(this.#feed, refused, signal);
    await failpoint('postgres.deadLetters.afterSend');
  }

  #lost(steps: LedgerStep[]): WindrowError {
    this.#metrics.conflicts.inc();
    const ranges = steps
      .map(({ partition, expected, next }) => `${partition}: ${expected}–${next}`)
      .join(', ');
    const message = `another instance has moved the ledger of ${this.#feed.topic} on (${ranges}); its micro-batch is discarded and the ledger read again`;
    return new WindrowError('LEDGER_LOST', message, { retriable: true });
  }

  #count(batch: MicroBatch, { landed, refused, steps }: Landed): void {
    const { events, deadLetters, rows, bytes, endToEnd } = this.#metrics;
    const { stream, mapping } = this.#feed;
    const applied = steps.reduce((sum, step) => sum + step.rows, 0);
    const ok = mapping.onConflict === 'replace' ? applied : landed;
    events.inc({ stream, outcome: 'ok' }, ok);
    events.inc({ stream, outcome: 'duplicate' }, applied - ok);
    events.inc({ stream, outcome: 'deadLetter' }, refused.length);
    events.inc({ stream, outcome: 'skipped' }, batch.skipped);
    for (const { stage, reason } of refused) deadLetters.inc({ stage, reason });
    rows.observe(batch.rows.count);
    bytes.observe(batch.rows.bytes);
    const nowMs = Date.now();
    for (const acceptedMs of batch.acceptedMs) endToEnd.observe(Math.max(0, nowMs - acceptedMs) / 1000);
  }
}

const isLost = (error: unknown): boolean => error instanceof WindrowError && error.code === 'LEDGER_LOST';
