import { failpoint } from '@windrow/runtime';
import type { ObjectStore } from '../object-store.ts';
import { checkpointName, commitVersion, loggedVersion, logPrefix } from './log-paths.ts';

/** So that a commit that finds a long past to clean up doesn't wait for all of it. */
export const expiredAtOnce = 200;
const deletesAtOnce = 16;

/**
 * Deletes log entries that are older than `cutMs` and that no younger version needs (Delta protocol, "Metadata Cleanup"):
 * those before the newest complete checkpoint that is older than the first version that is not. So what the table was at
 * any time since the cut can still be read. Reads no further into the log than that.
 * @param cutMs epoch milliseconds, by the store's clock
 * @param atMost the oldest ones first
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
    // A checkpoint may be written long after its version: commits tell the time.
    if (modifiedMs >= cutMs && commitVersion(root, key) !== undefined) firstYoung = version;
    if (firstYoung !== undefined) break;
    const name = checkpointName(root, key);
    if (name) {
      // Of one version there may be several, of different numbers of parts.
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
  // Ascending: what a crash leaves is the end of it, and found again.
  for (let at = 0; at < expired.length; at += deletesAtOnce) {
    await Promise.all(expired.slice(at, at + deletesAtOnce).map(({ key }) => store.delete(key)));
  }
  return expired.length;
}
