import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { databaseError, isOfDatabase } from './database-error.ts';

/** Longer than any micro-batch takes. A query that gets no response in this time is given up. */
const attemptMs = 60_000;
const probeEveryMs = 1_000;

/** Receives whether Postgres is available. */
export interface Reachability {
  away(reason: string): void;
  back(): void;
}

export interface DatabaseOptions {
  url: string;
  /** The maximum number of connections: one for each concurrent piece of work. */
  connections: number;
  reachability: Reachability;
}

/** A connection pool that observes whether Postgres is available: after a failure it probes Postgres until it responds. */
export class Database {
  readonly #pool: pg.Pool;
  readonly #reachability: Reachability;
  readonly #closing = new AbortController();
  #probing: Promise<void> | undefined;

  constructor({ url, connections, reachability }: DatabaseOptions) {
    this.#reachability = reachability;
    this.#pool = new pg.Pool({
      connectionString: url,
      // One more connection for probes.
      max: connections + 1,
      application_name: 'windrow-postgres-sink',
      connectionTimeoutMillis: 10_000,
      keepAlive: true,
      // Idle connections stay open: they show when the server ends while there is no work.
      idleTimeoutMillis: 0,
      // If this process is stopped in a transaction, the server ends the transaction and so releases its locks.
      statement_timeout: attemptMs,
      idle_in_transaction_session_timeout: 30_000,
      options: '-c work_mem=64MB -c temp_buffers=64MB -c TimeZone=UTC',
    });
    this.#pool.on('error', (error) => this.#lost(error));
  }

  /**
   * Runs `work` on a connection of its own. After any failure the connection is closed, which rolls back the transaction.
   * @param what completes the sentence “Postgres did not …”
   * @throws WindrowError POSTGRES_FAILED; errors of `work` that did not come from the database
   */
  async use<T>(what: string, work: (db: pg.PoolClient) => Promise<T>, signal?: AbortSignal): Promise<T> {
    let db: pg.PoolClient;
    try {
      db = await this.#pool.connect();
    } catch (cause) {
      throw this.#failed(what, cause);
    }
    let gaveUp: unknown;
    let isReleased = false;
    const release = (discard: boolean) => {
      if (!isReleased) db.release(discard);
      isReleased = true;
    };
    // Closes the connection, so that the work fails.
    const giveUp = (reason: unknown) => {
      gaveUp ??= reason;
      release(true);
    };
    const timer = setTimeout(giveUp, attemptMs, new Error(`no answer for ${attemptMs / 1000} s (timeout)`));
    const onAbort = () => giveUp(signal?.reason);
    const swallow = () => undefined;
    // The queries of the work fail with this error. Without a listener, the event would end the process.
    db.on('error', swallow);
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      signal?.throwIfAborted();
      const result = await work(db);
      this.#answered();
      release(false);
      return result;
    } catch (cause) {
      release(true);
      if (signal?.aborted) throw signal.reason;
      throw this.#failed(what, gaveUp ?? cause);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      db.off('error', swallow);
    }
  }

  #failed(what: string, cause: unknown): unknown {
    if (!isOfDatabase(cause)) return cause;
    const error = databaseError(what, cause);
    if (error.retriable) this.#lost(error);
    return error;
  }

  #answered(): void {
    if (!this.#probing) this.#reachability.back();
  }

  #lost(error: Error): void {
    if (this.#closing.signal.aborted) return;
    this.#reachability.away(error.message);
    this.#probing ??= this.#probe().finally(() => {
      this.#probing = undefined;
    });
  }

  async #probe(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        await this.#pool.query('SELECT 1');
        this.#reachability.back();
        return;
      } catch (error) {
        this.#reachability.away(databaseError('answer', error).message);
      }
      await sleep(probeEveryMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#probing;
    await this.#pool.end();
  }
}
