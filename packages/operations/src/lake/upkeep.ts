import {
  type CompactionLimits,
  condemnGarbage,
  createEncoder,
  deletedFileRetentionMs,
  deleteGarbage,
  type Garbage,
  garbageIn,
  smallFilesIn,
  systemHost,
  TableCompactor,
  tableLayouts,
} from '@windrow/lake';
import { WindrowError } from '@windrow/runtime';
import { type LakeTableName, lakeSink } from '../ledgers.ts';
import type { Progress } from '../progress.ts';
import { type Lake, openTableLog } from './open-lake.ts';

/** A separate process has more memory for a compaction than the sink. */
const limits: CompactionLimits = { maxRows: 262_144, maxBytes: 64 * 2 ** 20 };

export interface CompactionResult {
  table: string;
  compactions: { date: string | null; window: string; files: number; rows: number; bytes: number }[];
  /** Compactions that have ended; fewer than planned after a dry run or a stop. */
  done: number;
  /** Of these, the ones that another process did first. */
  overtaken: number;
  filesRemoved: number;
  bytesBefore: number;
  bytesAfter: number;
}

/**
 * Compacts all small files of a table, also of windows that have not closed. Each window is one commit, so a stop keeps the
 * compactions that were committed.
 */
export async function compactTable(
  { signal, progress: begin }: { signal: AbortSignal; progress: Progress },
  lake: Lake,
  table: LakeTableName,
  { date, dryRun }: { date?: string; dryRun: boolean },
): Promise<CompactionResult> {
  await openTableLog(lake, table);
  const compactor = await TableCompactor.open(lake.store, {
    path: table.path,
    sink: lakeSink,
    orderBy: [],
    ...tableLayouts(lake.contracts).get(table.path),
    encoder: createEncoder('columnar'),
  });
  if (!compactor) throw new WindrowError('LAKE_LOG_INVALID', `table ${table.path} was deleted`);
  const planned = async () =>
    smallFilesIn((await compactor.files()).values(), limits).filter(
      ({ partitionValues }) => date === undefined || partitionValues.date === date,
    );
  const groups = await planned();
  const result: CompactionResult = {
    ...{ table: table.path, done: 0, overtaken: 0, filesRemoved: 0, bytesBefore: 0, bytesAfter: 0 },
    compactions: groups.map(({ partitionValues, namePrefix, files, rows, bytes }) => ({
      ...{ date: partitionValues.date ?? null, window: namePrefix, files: files.length, rows, bytes },
    })),
  };
  if (dryRun || groups.length === 0) return result;
  const epochs = await compactor.claim();
  const progress = begin(table.path, 'windows', groups.length);
  try {
    for (const group of groups) {
      signal.throwIfAborted();
      const compacted = await compactor.compact(group, epochs, signal);
      result.done += 1;
      progress.show(result.done);
      if (!compacted) result.overtaken += 1;
      else {
        result.filesRemoved += compacted.filesBefore;
        result.bytesBefore += compacted.bytesBefore;
        result.bytesAfter += compacted.bytesAfter;
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    const message = `stopped after ${result.done} of ${groups.length} windows of ${table.path}. Run it again to compact the others`;
    throw new WindrowError('STOPPED', message, { cause: error });
  } finally {
    progress.end();
  }
  return result;
}

export interface VacuumResult {
  table: string;
  retentionMs: number;
  garbage: Garbage[];
  deleted: number;
  /** Log entries past their retention. */
  expiredLogFiles: number;
}

/**
 * Deletes files whose removal, or whose upload without a commit, is longer ago than the retention, and expired log entries.
 * @throws WindrowError USAGE for a shorter retention than the table's, without `force`
 */
export async function vacuumTable(
  { signal, progress: begin }: { signal: AbortSignal; progress: Progress },
  lake: Lake,
  table: LakeTableName,
  { olderThanMs, dryRun, force }: { olderThanMs?: number; dryRun: boolean; force: boolean },
): Promise<VacuumResult> {
  const { store } = lake;
  const log = await openTableLog(lake, table);
  const ownMs = deletedFileRetentionMs(log.metaData.configuration);
  const retentionMs = olderThanMs ?? ownMs;
  if (retentionMs < ownMs && !force) {
    const message = `table ${table.path} keeps removed files for ${hours(ownMs)}, for running queries and for reading earlier versions. If nothing needs them, add --force.`;
    throw new WindrowError('USAGE', message);
  }
  if (!dryRun) {
    // A killed compact command leaves intents, which would protect its files forever. A claim removes them.
    const options = { path: table.path, sink: lakeSink, orderBy: [], encoder: createEncoder('columnar') };
    await (await TableCompactor.open(store, options))?.claim();
  }
  const cutMs = Date.now() - retentionMs;
  const garbage = dryRun
    ? await garbageIn(store, table.path, systemHost, cutMs)
    : await condemnGarbage(store, log, { sink: lakeSink, host: systemHost, cutMs });
  const result: VacuumResult = { table: table.path, retentionMs, garbage, deleted: 0, expiredLogFiles: 0 };
  if (dryRun) return result;
  const progress = begin(table.path, 'files', garbage.length);
  try {
    await deleteGarbage(store, garbage, {
      signal,
      onDeleted: (files) => {
        result.deleted = files;
        progress.show(files);
      },
    });
    result.expiredLogFiles = await log.expire();
  } catch (error) {
    if (!signal.aborted) throw error;
    const message = `stopped after ${result.deleted} of ${garbage.length} files of ${table.path}. The next vacuum deletes the others`;
    throw new WindrowError('STOPPED', message, { cause: error });
  } finally {
    progress.end();
  }
  return result;
}

/** `168 hours` */
function hours(ms: number): string {
  return Number.isFinite(ms) ? `${Math.round(ms / 36_000) / 100} hours` : 'ever';
}
