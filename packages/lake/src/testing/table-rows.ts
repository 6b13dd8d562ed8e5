import { parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { DeltaLog } from '../delta/delta-log.ts';
import { systemHost } from '../host.ts';
import { fileKey } from '../ledger/intents.ts';
import type { ObjectStore } from '../object-store.ts';

export interface TableContent {
  /** The rows of all live files; `date` from the path, INT64 as bigint, timestamps as Date. */
  rows: Record<string, unknown>[];
  /** Keys of the files that the log names. */
  named: string[];
  /** Keys of the files that lie under the table, whether or not the log names them. */
  lying: string[];
  txns: ReadonlyMap<string, number>;
}

/** What a table holds, read back with hyparquet. */
export async function readTable(store: ObjectStore, root: string): Promise<TableContent> {
  const log = await DeltaLog.open(store, root, systemHost);
  const adds = log ? [...(await log.files()).adds.values()] : [];
  const rows: Record<string, unknown>[] = [];
  for (const { path, partitionValues } of adds) {
    const bytes = await store.get(fileKey(root, path));
    if (!bytes) throw new Error(`${path} is named by the log of ${root} and is not there`);
    const read = await parquetReadObjects({ file: new Uint8Array(bytes).buffer, compressors });
    for (const row of read) rows.push({ ...row, ...partitionValues });
  }
  const lying: string[] = [];
  for await (const { key } of store.list({ prefix: `${root}/date=` })) lying.push(key);
  return {
    rows,
    named: adds.map(({ path }) => fileKey(root, path)).sort(),
    lying,
    txns: log?.txns ?? new Map(),
  };
}
