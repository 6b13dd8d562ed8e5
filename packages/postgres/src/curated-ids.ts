import type { StreamContract } from '@windrow/contracts';
import pg from 'pg';
import { quoted } from './statements.ts';

const { escapeIdentifier } = pg;
const dayMs = 86_400_000;

/** The column of a stream's Postgres table that holds a field of its events. */
function columnOf({ curated }: StreamContract, field: string): string {
  return escapeIdentifier(curated?.columns.find((column) => column.field === field)?.name ?? field);
}

/** UTC date of the event time → how many rows the stream's table has of it. */
export async function curatedRowsByDate(
  db: pg.ClientBase | pg.Pool,
  contract: StreamContract,
): Promise<Map<string, number>> {
  const { rows } = await db.query<{ date: string; rows: string }>(
    `SELECT (${columnOf(contract, contract.eventTime)} AT TIME ZONE 'UTC')::date::text AS date, count(*) AS rows
     FROM ${tableOf(contract)} GROUP BY 1`,
  );
  return new Map(rows.map((row) => [row.date, Number(row.rows)]));
}

/** The id fields of all rows of a UTC date; no row for a text that is no date, as `infinity`. */
export async function curatedIdsOf(
  db: pg.ClientBase | pg.Pool,
  contract: StreamContract,
  date: string,
): Promise<Record<string, unknown>[]> {
  const startMs = Date.parse(`${date}T00:00:00Z`);
  if (Number.isNaN(startMs)) return [];
  const id = contract.id.map((field) => `${columnOf(contract, field)} AS ${escapeIdentifier(field)}`);
  const time = columnOf(contract, contract.eventTime);
  const { rows } = await db.query<Record<string, unknown>>(
    `SELECT ${id.join(', ')} FROM ${tableOf(contract)} WHERE ${time} >= $1 AND ${time} < $2`,
    [new Date(startMs), new Date(startMs + dayMs)],
  );
  return rows;
}

function tableOf({ curated, name }: StreamContract): string {
  if (curated) return quoted(curated.table);
  throw new TypeError(`stream ${name} has no Postgres table`);
}
