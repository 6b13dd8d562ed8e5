import type { DeltaLog } from '../delta/delta-log.ts';
import { readTableState } from '../delta/table-state.ts';
import type { Host } from '../host.ts';
import { fileKey, Intents } from '../ledger/intents.ts';
import { vacuumAppId } from '../ledger/positions.ts';
import type { ObjectEntry, ObjectStore } from '../object-store.ts';

/** A data file that the latest version doesn't need. */
export interface Garbage extends ObjectEntry {
  /** `removed`: the log has a tombstone, and readers of older versions need the file. `unnamed`: no commit in the log has it. */
  readonly kind: 'removed' | 'unnamed';
}

/**
 * Finds the Parquet files below the table's root that were removed, or written and never committed, before `cutMs` (epoch
 * milliseconds; removals by the log's time, writes by the store's). It excludes uncommitted files that an intent lists, however
 * old: their writer may have been suspended and may still commit them. Only a restore commits a removed file again, and
 * `condemnGarbage` prevents that.
 * @throws WindrowError LAKE_LOG_INVALID, S3_FAILED
 */
export async function garbageIn(
  store: ObjectStore,
  root: string,
  host: Host,
  cutMs: number,
): Promise<Garbage[]> {
  // In this order, a file that is uploaded and committed meanwhile is found in its intent or in the log.
  const lying: ObjectEntry[] = [];
  for await (const entry of store.list({ prefix: `${root}/` })) {
    if (isDataFile(entry.key.slice(root.length + 1))) lying.push(entry);
  }
  const intended = await new Intents(store, root, host).paths();
  const { adds, removes } = await readTableState(store, root);
  const needed = new Set([...adds.keys()].map((path) => fileKey(root, path)));
  const maybeNeeded = new Set([...intended].map((path) => fileKey(root, path)));
  const removedMs = new Map(
    [...removes.values()].map(({ path, deletionTimestamp = 0 }) => [fileKey(root, path), deletionTimestamp]),
  );
  return lying.flatMap((entry): Garbage[] => {
    if (needed.has(entry.key)) return [];
    const removed = removedMs.get(entry.key);
    if (removed === undefined && maybeNeeded.has(entry.key)) return [];
    if ((removed ?? entry.modifiedMs) > cutMs) return [];
    return [{ ...entry, kind: removed === undefined ? 'unnamed' : 'removed' }];
  });
}

/**
 * Announces the deletion of the garbage that `garbageIn` finds, and returns it: it commits the time to the log, and later restores
 * don't use files that were removed before it. Without garbage it commits nothing.
 * @param by the sink whose ledger it is, its host, and the time
 * @throws WindrowError LAKE_LOG_INVALID; S3_FAILED or LAKE_CONFLICT, retriable
 */
export async function condemnGarbage(
  store: ObjectStore,
  log: DeltaLog,
  { sink, host, cutMs }: { sink: string; host: Host; cutMs: number },
): Promise<Garbage[]> {
  if ((await garbageIn(store, log.root, host, cutMs)).length === 0) return [];
  const appId = vacuumAppId(sink);
  await log.append(() => {
    const version = Math.max(cutMs, log.txns.get(appId) ?? cutMs);
    const txn = { appId, version, lastUpdated: host.nowMs() };
    return { step: 'claim', operation: 'VACUUM START', info: { windrow: { sink } }, actions: [{ txn }] };
  });
  // Again, because a restore that was committed before may use some of it.
  return garbageIn(store, log.root, host, cutMs);
}

const deletesAtOnce = 16;

/** Deletes the files, and reports progress to `onDeleted`. When the signal aborts it, some files are deleted. */
export async function deleteGarbage(
  store: ObjectStore,
  garbage: readonly Garbage[],
  { signal, onDeleted }: { signal?: AbortSignal; onDeleted?: (files: number) => void } = {},
): Promise<void> {
  for (let at = 0; at < garbage.length; at += deletesAtOnce) {
    signal?.throwIfAborted();
    const some = garbage.slice(at, at + deletesAtOnce);
    await Promise.all(some.map(({ key }) => store.delete(key)));
    onDeleted?.(at + some.length);
  }
}

/** Engines ignore names that begin with an underscore or a dot, except partition folders, which contain `=`. */
function isDataFile(path: string): boolean {
  const hidden = path.split('/').some((part) => /^[_.]/.test(part) && !part.includes('='));
  return path.endsWith('.parquet') && !hidden;
}
