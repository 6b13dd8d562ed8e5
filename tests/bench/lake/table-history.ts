import type { ObjectStore } from '@windrow/lake';

/** A commit of a Delta table that added files. */
export interface DataCommit {
  atMs: number;
  rows: number;
  files: { path: string; bytes: number }[];
}

interface LogLine {
  commitInfo?: { timestamp: number };
  add?: { path: string; size: number; stats: string };
}

/** Every commit with rows, in order, from the JSON files of the log: what has landed when, by the writer's own clock. */
export async function dataCommits(store: ObjectStore, table: string): Promise<DataCommit[]> {
  const keys: string[] = [];
  for await (const { key } of store.list({ prefix: `${table}/_delta_log/` }))
    if (/\/\d{20}\.json$/.test(key)) keys.push(key);
  const commits: DataCommit[] = [];
  for (const key of keys.sort()) {
    const lines = Buffer.from((await store.get(key))!)
      .toString()
      .trim()
      .split('\n');
    const actions = lines.map((line) => JSON.parse(line) as LogLine);
    const adds = actions.flatMap(({ add }) => (add ? [add] : []));
    if (adds.length === 0) continue;
    commits.push({
      atMs: actions.find(({ commitInfo }) => commitInfo)?.commitInfo?.timestamp ?? Number.NaN,
      rows: adds.reduce(
        (sum, { stats }) => sum + (JSON.parse(stats) as { numRecords: number }).numRecords,
        0,
      ),
      files: adds.map(({ path, size }) => ({ path: decodeURIComponent(path), bytes: size })),
    });
  }
  return commits;
}
