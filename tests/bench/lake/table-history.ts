import type { ObjectStore } from '@windrow/lake';
import { must } from '@windrow/runtime/testing';

export interface TableHistory {
  /** Those that brought rows, in order, by their writer's own clock; compactions bring none. */
  commits: { atMs: number; rows: number }[];
  /** What the table has in the end; paths from its root. */
  files: { path: string; bytes: number }[];
}

interface LogLine {
  commitInfo?: { timestamp: number };
  add?: { path: string; size: number; stats: string; dataChange: boolean };
  remove?: { path: string };
}

/** What has become of a Delta table, from the JSON files of its log: it must have all of them still. */
export async function tableHistory(store: ObjectStore, table: string): Promise<TableHistory> {
  const keys: string[] = [];
  for await (const { key } of store.list({ prefix: `${table}/_delta_log/` }))
    if (/\/\d{20}\.json$/.test(key)) keys.push(key);
  const commits: TableHistory['commits'] = [];
  const files = new Map<string, number>();
  for (const key of keys.sort()) {
    const lines = Buffer.from(must(await store.get(key)))
      .toString()
      .trim()
      .split('\n');
    const actions = lines.map((line) => JSON.parse(line) as LogLine);
    let rows = 0;
    for (const { add, remove } of actions) {
      if (remove) files.delete(remove.path);
      if (!add) continue;
      files.set(add.path, add.size);
      if (add.dataChange) rows += (JSON.parse(add.stats) as { numRecords: number }).numRecords;
    }
    const atMs = actions.find(({ commitInfo }) => commitInfo)?.commitInfo?.timestamp ?? Number.NaN;
    if (rows > 0) commits.push({ atMs, rows });
  }
  return {
    commits,
    files: [...files].map(([path, bytes]) => ({ path: decodeURIComponent(path), bytes })),
  };
}
