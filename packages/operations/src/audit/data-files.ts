import type { Installation } from '../installation.ts';
import type { LakeTableName } from '../ledgers.ts';
import type { Sample } from './facts.ts';
import { fileKey } from './lake-content.ts';
import { note } from './repeats.ts';

/** The keys of the Parquet files that a reader finds by a glob pattern, without the log. */
export async function dataFiles({ lake }: Installation, { path }: LakeTableName): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of lake.list({ prefix: `${path}/date=` })) {
    if (key.endsWith('.parquet')) keys.push(key);
  }
  return keys;
}

/** The files that the log names neither as live nor as removed. @param named paths as in `add.path` */
export function orphansAmong(keys: string[], table: LakeTableName, named: string[]): Sample {
  const known = new Set(named.map((path) => fileKey(table, path)));
  const orphans: Sample = { count: 0, examples: [] };
  for (const key of keys) if (!known.has(key)) note(orphans, key);
  return orphans;
}
