import type { StreamContract } from '@windrow/contracts';
import type { Add } from '@windrow/lake';
import type { Installation } from '../installation.ts';
import { readColumns } from '../parquet.ts';
import type { IdFacts, LakeTableFacts } from './facts.ts';
import { byDate, fileKey, idOf } from './lake-content.ts';
import { deadLetterPosition } from './read-topics.ts';
import { note } from './repeats.ts';

const dayMs = 86_400_000;

/** The columns of a stream's Postgres table that carry its id and its event time. */
interface PostgresColumns {
  table: string;
  /** `"column" AS "field"` for each field of the id. */
  id: string;
  time: string;
}

/**
 * Compares the ids of a lake table with those of Postgres, date by date, so that memory is bounded by the busiest date.
 * Rows whose dead letters say that they are not in Postgres (they broke a rule, or Postgres refused them) are left out.
 */
export async function collectIds(
  installation: Installation,
  contract: StreamContract,
  table: LakeTableFacts,
  adds: Add[],
  deadLetters: Set<string>,
): Promise<{ facts: IdFacts; postgresRows: number }> {
  const columns = columnsOf(contract);
  const facts: IdFacts = {
    lakeTable: table.path,
    postgresTable: columns.table,
    lake: 0,
    postgres: 0,
    onlyInLake: { count: 0, examples: [] },
    onlyInPostgres: { count: 0, examples: [] },
    repeatedInPostgres: { count: 0, examples: [] },
  };
  const files = new Map(byDate(adds).map((group) => [group.date, group.files]));
  const counts = await rowsByDate(installation, columns);
  for (const date of [...new Set([...files.keys(), ...counts.keys()])].sort()) {
    const lake = await lakeIds(installation, contract, table, files.get(date) ?? [], deadLetters);
    const postgres = await postgresIds(installation, contract, columns, date);
    facts.lake += lake.size;
    facts.postgres += postgres.size;
    for (const id of lake) if (!postgres.has(id)) note(facts.onlyInLake, id);
    for (const [id, rows] of postgres) {
      if (!lake.has(id)) note(facts.onlyInPostgres, id);
      if (rows > 1) note(facts.repeatedInPostgres, id);
    }
  }
  return { facts, postgresRows: [...counts.values()].reduce((total, rows) => total + rows, 0) };
}

function columnsOf(contract: StreamContract): PostgresColumns {
  const mapped = contract.curated?.columns ?? [];
  const columnOf = (field: string) => quoted(mapped.find((column) => column.field === field)?.name ?? field);
  return {
    table: contract.curated?.table ?? '',
    id: contract.id.map((field) => `${columnOf(field)} AS ${quoted(field)}`).join(', '),
    time: columnOf(contract.eventTime),
  };
}

async function lakeIds(
  { lake }: Installation,
  contract: StreamContract,
  table: LakeTableFacts,
  files: Add[],
  deadLetters: Set<string>,
): Promise<Set<string>> {
  const ids = new Set<string>();
  for (const { path } of files) {
    for (const row of await readColumns(lake, fileKey(table, path), [
      '_partition',
      '_offset',
      ...contract.id,
    ])) {
      const [partition, offset] = [Number(row._partition), Number(row._offset)];
      const isDead = ['rules', 'postgres'].some((stage) =>
        deadLetters.has(deadLetterPosition(stage, table.topic, partition, offset)),
      );
      if (!isDead) ids.add(idOf(row, contract.id));
    }
  }
  return ids;
}

async function rowsByDate(
  installation: Installation,
  { table, time }: PostgresColumns,
): Promise<Map<string, number>> {
  const rows = await installation.query<{ date: string; rows: string }>(
    `SELECT (${time} AT TIME ZONE 'UTC')::date::text AS date, count(*) AS rows FROM ${table} GROUP BY 1`,
  );
  return new Map(rows.map((row) => [row.date, Number(row.rows)]));
}

/** Id → how many rows have it. */
async function postgresIds(
  installation: Installation,
  contract: StreamContract,
  { table, id, time }: PostgresColumns,
  date: string,
): Promise<Map<string, number>> {
  const startMs = Date.parse(`${date}T00:00:00Z`);
  if (Number.isNaN(startMs)) return new Map();
  const rows = await installation.query<Record<string, unknown>>(
    `SELECT ${id} FROM ${table} WHERE ${time} >= $1 AND ${time} < $2`,
    [new Date(startMs), new Date(startMs + dayMs)],
  );
  const ids = new Map<string, number>();
  for (const row of rows) {
    const key = idOf(row, contract.id);
    ids.set(key, (ids.get(key) ?? 0) + 1);
  }
  return ids;
}

function quoted(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}
