import pg from 'pg';
import { quoted } from './statements.ts';

const { escapeIdentifier, escapeLiteral } = pg;
const dayMs = 86_400_000;
const daysAtOnce = 32;
/** Of the server's locks, so that two sinks get along. */
const shareOfLocks = 0.5;

const dateOf = (day: number): string => new Date(day * dayMs).toISOString().slice(0, 10);

/** A table's partitions, one a UTC day, made when their first row comes. Days are numbered from the epoch. */
export class DayPartitions {
  readonly #table: string;
  readonly #known = new Set<number>();

  constructor(table: string) {
    this.#table = table;
  }

  /**
   * Makes the missing ones, some at a time, each time in a transaction of its own: a micro-batch's failure doesn't undo
   * them, and locks are held for a moment only.
   */
  async ensure(db: pg.ClientBase, days: Iterable<number>): Promise<void> {
    const unknown = [...days].filter((day) => !this.#known.has(day)).sort((a, b) => a - b);
    for (let first = 0; first < unknown.length; first += daysAtOnce)
      await this.#make(db, unknown.slice(first, first + daysAtOnce));
  }

  async #make(db: pg.ClientBase, days: number[]): Promise<void> {
    await db.query('BEGIN');
    try {
      await db.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [
        `windrow day partitions of ${this.#table}`,
      ]);
      const { rows } = await db.query<{ name: string }>(
        `SELECT child.relname AS name FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid
         WHERE inhparent = to_regclass($1) AND child.relname = ANY ($2)`,
        [quoted(this.#table), days.map((day) => this.#nameOf(day))],
      );
      const existing = new Set(rows.map(({ name }) => name));
      const missing = days.filter((day) => !existing.has(this.#nameOf(day)));
      if (missing.length > 0) await db.query(missing.map((day) => this.#creation(day)).join(';\n'));
      await db.query('COMMIT');
    } catch (error) {
      await db.query('ROLLBACK').catch(() => undefined);
      throw error;
    }
    for (const day of days) this.#known.add(day);
  }

  /** To be called when a partition that was known has gone: all of them are looked up again. */
  forget(): void {
    this.#known.clear();
  }

  #nameOf(day: number): string {
    return `${this.#table.split('.').at(-1)}_${dateOf(day).replaceAll('-', '')}`;
  }

  /**
   * Made aside and then attached: CREATE TABLE … PARTITION OF would lock the whole table against readers and writers,
   * and every query would queue behind it while it waits for a long one to end.
   */
  #creation(day: number): string {
    const schema = this.#table.includes('.') ? `${escapeIdentifier(this.#table.split('.')[0] ?? '')}.` : '';
    const name = `${schema}${escapeIdentifier(this.#nameOf(day))}`;
    const [from, to] = [day, day + 1].map((at) => escapeLiteral(`${dateOf(at)} 00:00:00+00`));
    return [
      `CREATE TABLE IF NOT EXISTS ${name} (LIKE ${quoted(this.#table)} INCLUDING ALL EXCLUDING COMMENTS)`,
      `ALTER TABLE ${quoted(this.#table)} ATTACH PARTITION ${name} FOR VALUES FROM (${from}) TO (${to})`,
    ].join(';\n');
  }
}

/**
 * How many of a table's day partitions one transaction may write to. It holds a lock on each, on the indexes of each and,
 * where values are long, on its TOAST table and the index of that, and all transactions together have no more than
 * max_locks_per_transaction × (max_connections + max_prepared_transactions):
 * https://www.postgresql.org/docs/current/runtime-config-locks.html
 */
export async function maxDaysAtOnce(db: pg.ClientBase, table: string): Promise<number> {
  const { rows } = await db.query<{ server_locks: number; partition_locks: number }>(
    `SELECT current_setting('max_locks_per_transaction')::integer
         * (current_setting('max_connections')::integer + current_setting('max_prepared_transactions')::integer)
         AS server_locks,
       3 + (SELECT count(*)::integer FROM pg_index WHERE indrelid = to_regclass($1)) AS partition_locks`,
    [quoted(table)],
  );
  const { server_locks: serverLocks = 0, partition_locks: partitionLocks = 1 } = rows[0] ?? {};
  return Math.max(1, Math.floor((shareOfLocks * serverLocks) / partitionLocks));
}
