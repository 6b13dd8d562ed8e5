import type { DeltaLog } from '../delta/delta-log.ts';
import { readTableState } from '../delta/table-state.ts';
import type { Host } from '../host.ts';
import { fileKey, Intents } from '../ledger/intents.ts';
import { vacuumAppId } from '../ledger/positions.ts';
import type { ObjectEntry, ObjectStore } from '../object-store.ts';

/** A data file that no reader of the table's present needs. */
export interface Garbage extends ObjectEntry {
  /** `removed`: the log says so, and readers of older versions need it. `unnamed`: no commit that the log still has names it. */
  readonly kind: 'removed' | 'unnamed';
}

/**
 * The Parquet files below the table's root that were removed, or were written and never named, before `cutMs` (epoch
 * milliseconds; a removal by the log's time, a writing by the store's). Files that were never named and that an intent lists
 * are none of them, however old: its writer may have slept for long and commit them yet. What was named once only a restore
 * names again, and `condemnGarbage` forbids that.
 * @throws WindrowError LAKE_LOG_INVALID, S3_FAILED
 */
export async function garbageIn(
  store: ObjectStore,
  root: string,
  host: Host,
  cutMs: number,
): Promise<Garbage[]> {
  // In this order: a file that is uploaded and committed meanwhile is found in its intent, or else in the log.
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
 * The garbage as `garbageIn` finds it, which may be deleted from now on: first the log says up to which time, and a restore
 * that comes after that names none of it again. Where there is none, nothing is committed.
 * @param sink whose ledger it is
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
  // Once more: a restore that came before may have named some of it.
  return garbageIn(store, log.root, host, cutMs);
}

const deletesAtOnce = 16;

/** Deletes the files; `onDeleted` is told after each few. Stopped by the signal, it has deleted some of them. */
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

/** Engines ignore what begins with an underscore or a dot; folders of partitions may, and have a `=`. */
function isDataFile(path: string): boolean {
  const hidden = path.split('/').some((part) => /^[_.]/.test(part) && !part.includes('='));
  return path.endsWith('.parquet') && !hidden;
}
