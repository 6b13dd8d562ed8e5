import { finished } from 'node:stream/promises';
import type { CuratedMapping, EventRecord } from '@windrow/contracts';
import { CopyRows, DayPartitions, quoted, refusalOf } from '@windrow/postgres';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';

const { escapeIdentifier } = pg;
const rowsAtOnce = 10_000;

/** What a row of the stage has beside those of the curated table. */
const partitionField = '_replay_partition';
const withdrawnField = '_replay_withdrawn';

/** The table that holds a replay's rows until they are swapped in. */
export const stageTable = (id: number): string => `windrow.replay_stage_${id}`;

/** Copies the new rows into a table of their own, which outlives this process. */
export class PostgresStage {
  /** Rows that Postgres can't hold: they stay away, as they do live. */
  refused = 0;
  readonly #db: pg.Client;
  readonly #mapping: CuratedMapping;
  readonly #table: string;
  readonly #columns: CuratedMapping['columns'];
  readonly #days: DayPartitions;
  #rows: CopyRows;
  /** The former rows on their way, while the next ones are made. */
  #copying: Promise<void> = Promise.resolve();

  constructor(db: pg.Client, mapping: CuratedMapping, id: number) {
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

  /** Makes the table, empty. */
  async open(): Promise<void> {
    const columns = this.#columns.map(({ name, type }) => `${escapeIdentifier(name)} ${type}`);
    await this.#db.query(`DROP TABLE IF EXISTS ${this.#table}`);
    await this.#db.query(`CREATE TABLE ${this.#table} (row_number integer, ${columns.join(', ')})`);
  }

  /** @param isWithdrawn of this event only the key counts: its row goes, and none comes */
  async append(partition: number, record: EventRecord, isWithdrawn: boolean): Promise<void> {
    const reason = this.#rows.add({ ...record, [partitionField]: partition, [withdrawnField]: isWithdrawn });
    if (reason !== null) this.refused += 1;
    if (this.#rows.count >= rowsAtOnce) await this.#flush();
  }

  async #flush(): Promise<void> {
    await this.#copying;
    const rows = this.#rows;
    this.#rows = this.#empty();
    this.#copying = this.#days.ensure(this.#db, rows.days).then(() => this.#copy(rows, 0, rows.count));
    // Whoever waits for it is told.
    this.#copying.catch(() => undefined);
  }

  /** Copies the halves of what is refused, and their halves, until only the rows at fault are left over. */
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
      if (refusalOf(error) === null) throw error;
      if (to - from === 1) {
        this.refused += 1;
        return;
      }
      const middle = (from + to) >>> 1;
      await this.#copy(rows, from, middle);
      await this.#copy(rows, middle, to);
    }
  }

  /** After the last row: what the swap looks rows up by. */
  async finish(): Promise<void> {
    if (this.#rows.count > 0) await this.#flush();
    await this.#copying;
    const { partitionByDay, key } = this.#mapping;
    const columns = [...(partitionByDay === undefined ? [] : [partitionByDay]), ...key].map(escapeIdentifier);
    await this.#db.query(`CREATE INDEX ON ${this.#table} (${[...new Set(columns)].join(', ')})`);
    await this.#db.query(`ANALYZE ${this.#table}`);
  }
}

export async function dropStage(db: pg.Client, id: number): Promise<void> {
  await db.query(`DROP TABLE IF EXISTS ${quoted(stageTable(id))}`);
}
