import type { CuratedMapping, PostgresType, StreamContract } from '@windrow/contracts';
import pg from 'pg';
import { quoted } from './statements.ts';

const { escapeIdentifier } = pg;
const rowsAtOnce = 5_000;

/** A column of a curated table whose values are read as text. */
export interface CuratedColumn {
  name: string;
  type: PostgresType;
}

/** Rows by event time: of a UTC date as {@link curatedRowsByDate} names it, or of a part of one in microseconds since 1970. */
export type RowSelection = { date: string } | { fromMicros: bigint; toMicros: bigint };

/** UTC date of the event time → number of rows. Dates beyond the years 1 to 9999 are as Postgres writes them. */
export async function curatedRowsByDate(
  db: pg.ClientBase | pg.Pool,
  contract: StreamContract,
): Promise<Map<string, number>> {
  const { mapping, time } = tableOf(contract);
  const { rows } = await db.query<{ date: string; rows: string }>(
    `SELECT (${time} AT TIME ZONE 'UTC')::date::text AS date, count(*) AS rows FROM ${quoted(mapping.table)} GROUP BY 1`,
  );
  return new Map(rows.map((row) => [row.date, Number(row.rows)]));
}

/**
 * Reads rows as text, some thousand at once: timestamptz as microseconds since 1970, everything else as Postgres writes it.
 * @param onRow gets the values in the order of `columns`
 */
export async function readCuratedRows(
  db: pg.Pool,
  contract: StreamContract,
  columns: readonly CuratedColumn[],
  selection: RowSelection,
  onRow: (values: (string | null)[]) => void,
): Promise<void> {
  const { mapping, time } = tableOf(contract);
  const list = columns.map(({ name, type }) => textOf(escapeIdentifier(name), type)).join(', ');
  const instant = (micros: bigint) =>
    `(timestamptz '1970-01-01 00:00:00+00' + ${micros} * interval '1 microsecond')`;
  const where =
    'date' in selection
      ? `(${time} AT TIME ZONE 'UTC')::date::text = ${pg.escapeLiteral(selection.date)}`
      : `${time} >= ${instant(selection.fromMicros)} AND ${time} < ${instant(selection.toMicros)}`;
  const client = await db.connect();
  try {
    await client.query('BEGIN READ ONLY');
    await client.query(
      `DECLARE audited NO SCROLL CURSOR FOR SELECT ${list} FROM ${quoted(mapping.table)} WHERE ${where}`,
    );
    for (;;) {
      const { rows } = await client.query<(string | null)[]>({
        text: `FETCH ${rowsAtOnce} FROM audited`,
        rowMode: 'array',
      });
      for (const row of rows) onRow(row);
      if (rows.length === 0) break;
    }
    await client.query('COMMIT');
    client.release();
  } catch (error) {
    client.release(true);
    throw error;
  }
}

function textOf(column: string, type: PostgresType): string {
  if (type === 'timestamptz') return `(extract(epoch FROM ${column}) * 1000000)::text`;
  return `${column}::text`;
}

function tableOf(contract: StreamContract): { mapping: CuratedMapping; time: string } {
  const { curated: mapping, name, eventTime } = contract;
  if (!mapping) throw new TypeError(`stream ${name} has no Postgres table`);
  const column = mapping.columns.find(({ field }) => field === eventTime)?.name ?? eventTime;
  return { mapping, time: escapeIdentifier(column) };
}
