import { type CommitInfo, parseCommit } from '../delta/actions.ts';
import { rowsOf } from '../delta/live-files.ts';
import { commitKey } from '../delta/log-paths.ts';
import type { LedgerRange } from '../ledger/positions.ts';
import type { ObjectStore } from '../object-store.ts';

/** One commit of a table's history. */
export interface HistoryEntry {
  readonly version: number;
  /** Epoch milliseconds, by its writer's clock; undefined when the commit doesn't have it. */
  readonly timeMs: number | undefined;
  readonly operation: string;
  /** The engine, e.g. `windrow/0.1.0`, and the sink whose ledger it is. */
  readonly by: string;
  readonly addedFiles: number;
  readonly addedRows: number;
  readonly removedFiles: number;
  /** Undefined when the commit removes files without saying how many rows they have. */
  readonly removedRows: number | undefined;
  /** The offset ranges that it committed. */
  readonly ranges: readonly LedgerRange[];
}

const commitsAtOnce = 16;

/**
 * The commits from `newestVersion` back to the oldest one in the log, newest first.
 * @throws WindrowError LAKE_LOG_INVALID, S3_FAILED
 */
export async function* readHistory(
  store: ObjectStore,
  root: string,
  newestVersion: number,
): AsyncGenerator<HistoryEntry> {
  for (let newest = newestVersion; newest >= 0; newest -= commitsAtOnce) {
    const versions = Array.from({ length: Math.min(commitsAtOnce, newest + 1) }, (_, at) => newest - at);
    const commits = await Promise.all(versions.map((each) => store.get(commitKey(root, each))));
    for (const [index, bytes] of commits.entries()) {
      if (!bytes) return;
      const version = newest - index;
      yield entryOf(version, bytes, store.url(commitKey(root, version)));
    }
  }
}

function entryOf(version: number, bytes: Uint8Array, source: string): HistoryEntry {
  const actions = parseCommit(bytes, source);
  const info: CommitInfo = actions.find(({ commitInfo }) => commitInfo)?.commitInfo ?? {};
  const {
    sink,
    ranges = [],
    removedRows: told,
  } = (info.windrow ?? {}) as { sink?: string; ranges?: LedgerRange[]; removedRows?: number };
  const metrics = (info.operationMetrics ?? {}) as { numOutputRows?: number };
  const adds = actions.flatMap(({ add }) => add ?? []);
  const removes = actions.flatMap(({ remove }) => remove ?? []);
  const addedRows = adds.reduce((sum, { stats }) => sum + ((stats && rowsOf(stats)) || 0), 0);
  // `remove` actions have no row counts. A compaction removes as many rows as it adds, and a restore has the number in its info.
  const isCompaction = metrics.numOutputRows !== undefined && info.operation === 'OPTIMIZE';
  return {
    version,
    timeMs: info.timestamp,
    operation: info.operation ?? 'unknown',
    by: [info.engineInfo ?? info.clientVersion ?? 'unknown', sink].filter(Boolean).join(' '),
    addedFiles: adds.length,
    addedRows,
    removedFiles: removes.length,
    removedRows: removes.length === 0 ? 0 : isCompaction ? addedRows : told,
    ranges,
  };
}
