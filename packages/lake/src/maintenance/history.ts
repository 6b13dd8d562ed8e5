import { type CommitInfo, parseCommit } from '../delta/actions.ts';
import { rowsOf } from '../delta/live-files.ts';
import { commitKey } from '../delta/log-paths.ts';
import type { LedgerRange } from '../ledger/positions.ts';
import type { ObjectStore } from '../object-store.ts';

/** One commit of a table, as its log tells it. */
export interface HistoryEntry {
  readonly version: number;
  /** Epoch milliseconds, by its writer's clock; undefined where it doesn't say. */
  readonly timeMs: number | undefined;
  readonly operation: string;
  /** The engine, e.g. `windrow/0.1.0`, and the sink whose ledger it is. */
  readonly by: string;
  readonly addedFiles: number;
  readonly addedRows: number;
  readonly removedFiles: number;
  /** Undefined where files were removed and their rows aren't told. */
  readonly removedRows: number | undefined;
  /** What it took the ledger on by. */
  readonly ranges: readonly LedgerRange[];
}

const commitsAtOnce = 16;

/**
 * The commits from `version` back to the oldest one that the log still has, newest first.
 * @throws WindrowError LAKE_LOG_INVALID, S3_FAILED
 */
export async function* readHistory(
  store: ObjectStore,
  root: string,
  version: number,
): AsyncGenerator<HistoryEntry> {
  for (let newest = version; newest >= 0; newest -= commitsAtOnce) {
    const versions = Array.from({ length: Math.min(commitsAtOnce, newest + 1) }, (_, at) => newest - at);
    const commits = await Promise.all(versions.map((each) => store.get(commitKey(root, each))));
    for (const [index, bytes] of commits.entries()) {
      if (!bytes) return;
      yield entryOf(versions[index]!, bytes, store.url(commitKey(root, versions[index]!)));
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
  // A removal tells no rows; a compaction removes as many as it adds, a restore says how many.
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
