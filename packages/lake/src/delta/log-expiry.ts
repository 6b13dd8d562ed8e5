import { failpoint } from '@windrow/runtime';
import type { ObjectStore } from '../object-store.ts';
import { checkpointName, commitVersion, loggedVersion, logPrefix } from './log-paths.ts';

/** Limit per checkpoint, so that the commit that writes it doesn't wait long when many entries have expired. */
export const expiredAtOnce = 200;
const deletesAtOnce = 16;

/**
 * Deletes log entries that are older than `cutMs` and that no younger version needs (Delta protocol, "Metadata Cleanup"):
 * those before the newest complete checkpoint that precedes the first younger version. So every version since `cutMs` stays
 * readable. It lists the log only up to the first younger version.
 * @param cutMs epoch milliseconds, by the store's clock
 * @param atMost limit; the oldest entries are deleted first
 * @returns how many objects were deleted
 */
export async function expireLog(
  store: ObjectStore,
  root: string,
  cutMs: number,
  atMost = Number.POSITIVE_INFINITY,
): Promise<number> {
  const older: { key: string; version: number }[] = [];
  const parts = new Map<string, { version: number; missing: number }>();
  let firstYoung: number | undefined;
  for await (const { key, modifiedMs } of store.list({ prefix: logPrefix(root) })) {
    const version = loggedVersion(root, key);
    if (version === undefined) continue;
    // Only commits count: a checkpoint may be written long after its version.
    if (modifiedMs >= cutMs && commitVersion(root, key) !== undefined) firstYoung = version;
    if (firstYoung !== undefined) break;
    const name = checkpointName(root, key);
    if (name) {
      // A version may have several checkpoints with different numbers of parts.
      const id = `${version}/${name.parts}`;
      const of = parts.get(id) ?? { version, missing: name.parts };
      of.missing -= 1;
      parts.set(id, of);
    }
    older.push({ key, version });
  }
  const complete = [...parts.values()].filter(
    ({ version, missing }) => missing <= 0 && version !== firstYoung,
  );
  const base = complete.reduce((newest, { version }) => Math.max(newest, version), -1);
  const expired = older.filter(({ version }) => version < base).slice(0, atMost);
  if (expired.length > 0) await failpoint('lake.expiry.beforeDelete');
  // In ascending order, so that after a crash the next call finds the rest.
  for (let at = 0; at < expired.length; at += deletesAtOnce) {
    await Promise.all(expired.slice(at, at + deletesAtOnce).map(({ key }) => store.delete(key)));
  }
  return expired.length;
}
