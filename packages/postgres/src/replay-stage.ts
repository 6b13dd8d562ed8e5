import { finished } from 'node:stream/promises';
import type { CuratedMapping, EventRecord } from '@windrow/contracts';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { CopyRows } from './copy-rows.ts';
import { dataException, rejectionReasonOf } from './database-error.ts';
import { DayPartitions } from './day-partitions.ts';
import { quoted } from './statements.ts';

const { escapeIdentifier } = pg;
const rowsAtOnce = 10_000;

/** The columns that a staged row has beside those of the curated table. */
const ownColumns: CuratedMapping['columns'] = [
  { name: '_replay_partition', field: '_replay_partition', type: 'integer' },
  { name: '_replay_raw_offset', field: '_replay_raw_offset', type: 'bigint' },
  { name: '_replay_withdrawn', field: '_replay_withdrawn', type: 'boolean' },
  { name: '_replay_reason', field: '_replay_reason', type: 'text' },
  { name: '_replay_message', field: '_replay_message', type: 'text' },
];

/** The table that holds a replay's new rows until they are swapped in. */
export const stageTable = (id: number): string => `windrow.replay_stage_${id}`;
/** The table with the rows that a replay has replaced, for the way back. */
export const undoTable = (id: number): string => `windrow.replay_undo_${id}`;

/** A row for the stage, and the position of its event in the raw topic. */
export interface StagedRow {
  partition: number;
  rawOffset: number;
  record: EventRecord;
  /** Only the event's key counts: its row is removed and none is inserted. */
  isWithdrawn: boolean;
}

interface Staging extends StagedRow {
  /** Why Postgres rejects the row. */
  rejection?: Pick<RejectedRow, 'reason' | 'message'>;
}

/** An event that has a row in the lake, and whose row Postgres rejected. */
export interface RejectedRow {
  partition: number;
  rawOffset: number;
  /** Short stable code, as the sink's dead letters have it. */
  reason: string;
  message: string;
}

/**
 * Copies the new rows into a table of their own, which outlives this process. A row that Postgres rejects is staged as withdrawn,
 * with the reason: the swap removes the event's old row, and the event becomes a dead letter.
 */
export class ReplayStage {
  readonly #db: pg.ClientBase;
  readonly #mapping: CuratedMapping;
  readonly #id: number;
  readonly #table: string;
  readonly #columns: CuratedMapping['columns'];
  readonly #days: DayPartitions;
  #rows: CopyRows;
  /** The sources of `#rows`, in case Postgres rejects one. */
  #sources: Staging[] = [];
  /** The COPY that runs while the next rows are collected. */
  #copying: Promise<void> = Promise.resolve();

  constructor(db: pg.ClientBase, mapping: CuratedMapping, id: number) {
    this.#db = db;
    this.#mapping = mapping;
    this.#id = id;
    this.#table = quoted(stageTable(id));
    this.#columns = [...mapping.columns, ...ownColumns];
    this.#days = new DayPartitions(mapping.table);
    this.#rows = this.#empty();
  }

  #empty(): CopyRows {
    return new CopyRows({ ...this.#mapping, columns: this.#columns });
  }

  /**
   * Creates the table, empty; drops one that an earlier run has left. Rows that the earlier run has replaced stay in the table
   * for the way back.
   */
  async open(): Promise<void> {
    const { columns, key } = this.#mapping;
    const typed = (of: CuratedMapping['columns']) =>
      of.map(({ name, type }) => `${escapeIdentifier(name)} ${type}`).join(', ');
    await this.#db.query(`DROP TABLE IF EXISTS ${this.#table}`);
    await this.#db.query(`CREATE TABLE ${this.#table} (row_number integer, ${typed(this.#columns)})`);
    await this.#db.query(
      `CREATE TABLE IF NOT EXISTS ${quoted(undoTable(this.#id))} (_replay_partition integer, _replay_withdrawn boolean,
         ${typed(columns)}, PRIMARY KEY (${key.map(escapeIdentifier).join(', ')}))`,
    );
    await this.#db.query('UPDATE windrow.replay SET swapped_until = NULL WHERE id = $1', [this.#id]);
  }

  async append(row: StagedRow): Promise<void> {
    this.#add(row.isWithdrawn ? { ...row, record: this.#keyOf(row.record) } : row);
    if (this.#rows.count >= rowsAtOnce) await this.#flush();
  }

  #add(row: Staging): void {
    const fault = this.#rows.add(stagedRecord(row));
    if (fault === null) this.#sources.push(row);
    else this.#addLess(row, dataException, fault);
  }

  /** Stages a rejected row with its key only, or, where the key is rejected, too, with the reason only. */
  #addLess(row: Staging, reason: string, message: string): void {
    // No row of the table can have a key that Postgres rejects, so none has to be removed.
    if (row.isWithdrawn && !row.rejection) return;
    if (row.rejection && Object.keys(row.record).length === 0)
      throw new TypeError(`the event at offset ${row.rawOffset} can't be staged: ${message}`);
    const record = row.rejection ? {} : this.#keyOf(row.record);
    this.#add({ ...row, record, isWithdrawn: true, rejection: row.rejection ?? { reason, message } });
  }

  #keyOf(record: EventRecord): EventRecord {
    const { key, columns } = this.#mapping;
    const names = new Set([...key, timeColumn(this.#mapping)]);
    const fields = columns.filter(({ name }) => names.has(name));
    return Object.fromEntries(fields.map(({ field }) => [field, record[field]]));
  }

  async #flush(): Promise<void> {
    await this.#copying;
    const [rows, sources] = [this.#rows, this.#sources];
    this.#rows = this.#empty();
    this.#sources = [];
    this.#copying = this.#days
      .ensure(this.#db, rows.days)
      .then(() => this.#copy(rows, sources, 0, rows.count));
    // The next flush, or finish, throws its error.
    this.#copying.catch(() => undefined);
  }

  /** Where Postgres rejects the rows, copies each half alone, and so on, until only the rejected rows remain. */
  async #copy(rows: CopyRows, sources: readonly Staging[], from: number, to: number): Promise<void> {
    const names = this.#columns.map(({ name }) => escapeIdentifier(name));
    try {
      const copy = this.#db.query(
        copyFrom(`COPY ${this.#table} (row_number, ${names.join(', ')}) FROM STDIN (FORMAT binary)`),
      );
      for (const piece of rows.stream(from, to)) copy.write(piece);
      copy.end();
      await finished(copy);
    } catch (error) {
      const reason = rejectionReasonOf(error);
      if (reason === null) throw error;
      const [source] = to - from === 1 ? sources.slice(from, to) : [];
      if (source) return this.#addLess(source, reason, messageOf(error));
      const middle = (from + to) >>> 1;
      await this.#copy(rows, sources, from, middle);
      await this.#copy(rows, sources, middle, to);
    }
  }

  /** After the last row: creates the index by which the swap finds the rows of a piece. */
  async finish(): Promise<void> {
    // Rows that a COPY rejects are staged again, so there may be another COPY.
    do {
      if (this.#rows.count > 0) await this.#flush();
      await this.#copying;
    } while (this.#rows.count > 0);
    // By time alone: a key that Postgres rejects may be too long for this index, too.
    await this.#db.query(`CREATE INDEX ON ${this.#table} (${escapeIdentifier(timeColumn(this.#mapping))})`);
    await this.#db.query(`ANALYZE ${this.#table}`);
  }
}

function stagedRecord({ partition, rawOffset, record, isWithdrawn, rejection }: Staging): EventRecord {
  return {
    ...record,
    ...{ _replay_partition: partition, _replay_raw_offset: rawOffset, _replay_withdrawn: isWithdrawn },
    ...(rejection && { _replay_reason: rejection.reason, _replay_message: rejection.message }),
  };
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The column by which a replay divides the table into pieces. */
export function timeColumn({ partitionByDay, columns }: CuratedMapping): string {
  return partitionByDay ?? columns.find(({ type }) => type === 'timestamptz')?.name ?? '';
}

/** Whether there is a stage that this version can swap in. Older versions staged no offsets. */
export async function hasReplayStage(db: pg.ClientBase, id: number): Promise<boolean> {
  const { rows } = await db.query<{ there: boolean }>(
    `SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass($1) AND attname = '_replay_raw_offset') AS there`,
    [quoted(stageTable(id))],
  );
  return rows[0]?.there === true;
}

/** The rows that Postgres rejected: those of COPY, and after the swap those of the table and its aggregates as well. */
export async function rejectedRows(db: pg.ClientBase, id: number): Promise<RejectedRow[]> {
  const { rows } = await db.query<RejectedRow>(
    `SELECT _replay_partition AS partition, _replay_raw_offset::float8 AS "rawOffset", _replay_reason AS reason,
       _replay_message AS message
     FROM ${quoted(stageTable(id))} WHERE _replay_reason IS NOT NULL ORDER BY 1, 2`,
  );
  return rows;
}

/** Drops what a replay has stored beside the table. */
export async function dropReplayStage(db: pg.ClientBase, id: number): Promise<void> {
  await db.query(`DROP TABLE IF EXISTS ${quoted(stageTable(id))}, ${quoted(undoTable(id))}`);
}
