import type { ObjectStore } from '../object-store.ts';
import { checkpointName, commitVersion, logPrefix } from './log-paths.ts';

export interface ReadableVersion {
  readonly version: number;
  /** When its commit was written, epoch milliseconds, by the store's clock; also what Spark takes for a version's time. */
  readonly timeMs: number;
}

/** The versions whose state the log still tells, ascending. Reads no more than the log's listing. */
export async function readableVersions(store: ObjectStore, root: string): Promise<ReadableVersion[]> {
  const versions: ReadableVersion[] = [];
  let first: number | undefined;
  for await (const { key, modifiedMs } of store.list({ prefix: logPrefix(root) })) {
    const version = commitVersion(root, key);
    const checkpoint = checkpointName(root, key);
    if (version !== undefined) versions.push({ version, timeMs: modifiedMs });
    if (version === 0 || (checkpoint && checkpoint.part === checkpoint.parts))
      first ??= version ?? checkpoint?.version;
  }
  return first === undefined ? [] : versions.filter(({ version }) => version >= first);
}

/** The newest one at or before the time; undefined where the first one is younger. */
export function versionAt(versions: readonly ReadableVersion[], timeMs: number): number | undefined {
  const next = versions.findIndex((each) => each.timeMs > timeMs);
  return (next === -1 ? versions : versions.slice(0, next)).at(-1)?.version;
}
