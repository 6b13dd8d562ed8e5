import pg from 'pg';
import { quoted } from './statements.ts';

const { escapeIdentifier, escapeLiteral } = pg;
const dayMs = 86_400_000;
const daysAtOnce = 32;
/** The share of the server's locks that one transaction may use, so that two sinks can run at the same time. */
const shareOfLocks = 0.5;

const dateOf = (day: number): string => new Date(day * dayMs).toISOString().slice(0, 10);

/** The partitions of a table, one per UTC day, created with their first row. Days are numbered from the epoch. */
export class DayPartitions {
  readonly #table: string;
  readonly #known = new Set<number>();

  constructor(table: string) {
    this.#table = table;
  }

  /**
   * Creates missing partitions in groups, each in its own transaction: a failed micro-batch doesn't roll them back, and locks
   * are held only briefly.
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

  /** Forgets all known partitions, so that they are looked up again. Call it when a known partition no longer exists. */
  forget(): void {
    this.#known.clear();
  }

  #nameOf(day: number): string {
    return `${this.#table.split('.').at(-1)}_${dateOf(day).replaceAll('-', '')}`;
  }

  /**
   * Creates the partition as a table and attaches it. CREATE TABLE … PARTITION OF would lock the whole table against readers
   * and writers, and all queries would wait while it waits for a long one to end.
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
 * The number of day partitions to which one transaction may write. It locks each partition, its indexes and, if values are
 * long, its TOAST table and the index of that. All transactions together have max_locks_per_transaction × (max_connections +
 * max_prepared_transactions) locks: https://www.postgresql.org/docs/current/runtime-config-locks.html
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
