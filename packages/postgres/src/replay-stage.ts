import { finished } from 'node:stream/promises';
import type { CuratedMapping, EventRecord } from '@windrow/contracts';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { CopyRows } from './copy-rows.ts';
import { rejectionReasonOf } from './database-error.ts';
import { DayPartitions } from './day-partitions.ts';
import { quoted } from './statements.ts';

const { escapeIdentifier } = pg;
const rowsAtOnce = 10_000;

/** The columns that a staged row has beside those of the curated table. */
const partitionField = '_replay_partition';
const withdrawnField = '_replay_withdrawn';

/** The table that holds a replay's new rows until they are swapped in. */
export const stageTable = (id: number): string => `windrow.replay_stage_${id}`;

/**
 * Copies the new rows into a table of their own, which outlives this process. Rows that Postgres rejects are left out, as the
 * sink leaves them out.
 */
export class ReplayStage {
  readonly #db: pg.ClientBase;
  readonly #mapping: CuratedMapping;
  readonly #table: string;
  readonly #columns: CuratedMapping['columns'];
  readonly #days: DayPartitions;
  #rows: CopyRows;
  /** The COPY that runs while the next rows are collected. */
  #copying: Promise<void> = Promise.resolve();

  constructor(db: pg.ClientBase, mapping: CuratedMapping, id: number) {
    this.#db = db;
    this.#mapping = mapping;
    this.#table = quoted(stageTable(id));
    this.#columns = [
      ...mapping.columns,
      { name: partitionField, field: partitionField, type: 'integer' },
      { name: withdrawnField, field: withdrawnField, type: 'boolean' },
    ];
    this.#days = new DayPartitions(mapping.table);
    this.#rows = this.#empty();
  }

  #empty(): CopyRows {
    return new CopyRows({ ...this.#mapping, columns: this.#columns });
  }

  /** Creates the table, empty; drops one that an earlier run has left. */
  async open(): Promise<void> {
    const columns = this.#columns.map(({ name, type }) => `${escapeIdentifier(name)} ${type}`);
    await this.#db.query(`DROP TABLE IF EXISTS ${this.#table}`);
    await this.#db.query(`CREATE TABLE ${this.#table} (row_number integer, ${columns.join(', ')})`);
  }

  /** @param isWithdrawn only the event's key counts: its row is removed and none is inserted */
  async append(partition: number, record: EventRecord, isWithdrawn: boolean): Promise<void> {
    this.#rows.add({ ...record, [partitionField]: partition, [withdrawnField]: isWithdrawn });
    if (this.#rows.count >= rowsAtOnce) await this.#flush();
  }

  async #flush(): Promise<void> {
    await this.#copying;
    const rows = this.#rows;
    this.#rows = this.#empty();
    this.#copying = this.#days.ensure(this.#db, rows.days).then(() => this.#copy(rows, 0, rows.count));
    // The next flush, or finish, throws its error.
    this.#copying.catch(() => undefined);
  }

  /** Where Postgres rejects the rows, copies each half alone, and so on, until only the rejected rows are left out. */
  async #copy(rows: CopyRows, from: number, to: number): Promise<void> {
    const names = this.#columns.map(({ name }) => escapeIdentifier(name));
    try {
      const copy = this.#db.query(
        copyFrom(`COPY ${this.#table} (row_number, ${names.join(', ')}) FROM STDIN (FORMAT binary)`),
      );
      for (const piece of rows.stream(from, to)) copy.write(piece);
      copy.end();
      await finished(copy);
    } catch (error) {
      if (rejectionReasonOf(error) === null) throw error;
      if (to - from === 1) return;
      const middle = (from + to) >>> 1;
      await this.#copy(rows, from, middle);
      await this.#copy(rows, middle, to);
    }
  }

  /** After the last row: creates the index by which the swap finds rows. */
  async finish(): Promise<void> {
    if (this.#rows.count > 0) await this.#flush();
    await this.#copying;
    const { partitionByDay, key } = this.#mapping;
    const columns = [...(partitionByDay === undefined ? [] : [partitionByDay]), ...key].map(escapeIdentifier);
    await this.#db.query(`CREATE INDEX ON ${this.#table} (${[...new Set(columns)].join(', ')})`);
    await this.#db.query(`ANALYZE ${this.#table}`);
  }
}

export async function dropReplayStage(db: pg.ClientBase, id: number): Promise<void> {
  await db.query(`DROP TABLE IF EXISTS ${quoted(stageTable(id))}`);
}
