import type { ObjectStore } from '../object-store.ts';
import { checkpointName, commitVersion, logPrefix } from './log-paths.ts';

export interface ReadableVersion {
  readonly version: number;
  /** When its commit was written, epoch milliseconds, by the store's clock. Spark uses the same time. */
  readonly timeMs: number;
}

/** The versions whose state can still be read, ascending. It only lists the log. */
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

/** The newest version at or before the time; undefined when all versions are younger. */
export function versionAt(versions: readonly ReadableVersion[], timeMs: number): number | undefined {
  const next = versions.findIndex((each) => each.timeMs > timeMs);
  return (next === -1 ? versions : versions.slice(0, next)).at(-1)?.version;
}
