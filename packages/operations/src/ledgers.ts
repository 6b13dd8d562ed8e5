import { deadLetterTable, deadLetterTopic, landedTopic, type StreamContract } from '@windrow/contracts';
import { DeltaLog, systemHost } from '@windrow/lake';
import { readLedger } from '@windrow/postgres';
import type { LedgerLine } from './audit/facts.ts';
import type { Installation } from './installation.ts';

/** The name of the lake sink in the ledgers of the Delta logs. */
export const lakeSink = 'lake';

/** A lake table and the topic it is made from. */
export interface LakeTableName {
  path: string;
  topic: string;
}

/** Every lake table of the contracts. */
export function lakeTables(contracts: StreamContract[]): LakeTableName[] {
  return [
    ...contracts.flatMap((contract) => streamTables(contract)),
    { path: deadLetterTable, topic: deadLetterTopic.name },
  ];
}

/** The raw table of a stream, and the curated table if the stream has one. */
export function streamTables({ lake, topics }: StreamContract): [LakeTableName, ...LakeTableName[]] {
  const raw = { path: lake.raw, topic: topics.raw.name };
  if (!lake.curated || !topics.enriched) return [raw];
  return [raw, { path: lake.curated, topic: topics.enriched.name }];
}

/** Undefined when the table does not exist yet. */
export function openLog({ lake }: Installation, { path }: LakeTableName): Promise<DeltaLog | undefined> {
  return DeltaLog.open(lake, path, systemHost);
}

/** The `txn` actions of a Delta log as lines: `lake:<topic>:<partition>`, `…#rows` and `…#replayed`. */
export function lakeLedger(log: DeltaLog | undefined, topic: string): LedgerLine[] {
  const prefix = `${lakeSink}:${topic}:`;
  const lines: LedgerLine[] = [];
  for (const [appId, nextOffset] of log?.txns ?? []) {
    const partition = appId.startsWith(prefix) ? appId.slice(prefix.length) : '';
    if (!/^\d+$/.test(partition)) continue;
    const rows = log?.txns.get(`${appId}#rows`) ?? 0;
    const replayed = log?.txns.get(`${appId}#replayed`) ?? 0;
    lines.push({ partition: Number(partition), nextOffset, rows, rejected: 0, replayed });
  }
  return lines;
}

/** The streams with a Postgres table and the topic it is made from. */
export function postgresTables(contracts: StreamContract[]): { table: string; topic: string }[] {
  return contracts.flatMap((contract) =>
    contract.curated ? [{ table: contract.curated.table, topic: landedTopic(contract) }] : [],
  );
}

/** @throws WindrowError POSTGRES_FAILED, also before `windrow streams apply` */
export async function postgresLedger({ postgres }: Installation, topic: string): Promise<LedgerLine[]> {
  const entries = await postgres.use('return the ledger', (db) => readLedger(db, topic));
  return entries.map(({ topic: _, ...line }) => line);
}
