import type { StreamContract } from '@windrow/contracts';
import type { Add } from '@windrow/lake';
import { curatedIdsOf, curatedRowsByDate } from '@windrow/postgres';
import type { Installation } from '../installation.ts';
import { readColumns } from '../parquet.ts';
import type { IdFacts, LakeTableFacts } from './facts.ts';
import { byDate, fileKey, idOf } from './lake-content.ts';
import { deadLetterPosition } from './read-topics.ts';
import { note } from './repeats.ts';

/**
 * Compares the ids of a lake table with those of Postgres, date by date, so that memory is bounded by the busiest date.
 * Events that are dead letters of the rules or of Postgres are left out, because they have no row there.
 */
export async function collectIds(
  installation: Installation,
  contract: StreamContract,
  table: LakeTableFacts,
  adds: Add[],
  deadLetters: Set<string>,
): Promise<{ facts: IdFacts; postgresRows: number }> {
  const facts: IdFacts = {
    lakeTable: table.path,
    postgresTable: contract.curated?.table ?? '',
    lake: 0,
    postgres: 0,
    onlyInLake: { count: 0, examples: [] },
    onlyInPostgres: { count: 0, examples: [] },
    repeatedInPostgres: { count: 0, examples: [] },
  };
  const files = new Map(byDate(adds).map((group) => [group.date, group.files]));
  const counts = await installation.postgres.use('count its rows', (db) => curatedRowsByDate(db, contract));
  for (const date of [...new Set([...files.keys(), ...counts.keys()])].sort()) {
    const lake = await lakeIds(installation, contract, table, files.get(date) ?? [], deadLetters);
    const postgres = await postgresIds(installation, contract, date);
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

/** Id → number of rows. */
async function postgresIds(
  { postgres }: Installation,
  contract: StreamContract,
  date: string,
): Promise<Map<string, number>> {
  const rows = await postgres.use('return the ids of a day', (db) => curatedIdsOf(db, contract, date));
  const ids = new Map<string, number>();
  for (const row of rows) {
    const key = idOf(row, contract.id);
    ids.set(key, (ids.get(key) ?? 0) + 1);
  }
  return ids;
}
