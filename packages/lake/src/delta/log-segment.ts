import { WindrowError } from '@windrow/runtime';
import type { ObjectStore } from '../object-store.ts';
import { type Action, parseCommit } from './actions.ts';
import { readCheckpoint, type StateKind } from './checkpoint.ts';
import {
  checkpointName,
  commitKey,
  commitVersion,
  lastCheckpointKey,
  loggedVersion,
  logPrefix,
  versionPrefix,
} from './log-paths.ts';

/** The log files from which a table's state is read: a checkpoint, if there is one, and all commits after it. */
interface LogSegment {
  version: number;
  checkpoint: { version: number; keys: string[] } | undefined;
  commits: number[];
}

export interface Replayed {
  version: number;
  /** −1 when no checkpoint was read. */
  checkpointVersion: number;
}

/**
 * Calls `onAction` for the actions of the given kinds, oldest first, from the latest checkpoint and the commits after it. A later
 * action overrides earlier ones for the same path, appId and so on. Actions of other kinds in commits are passed, too.
 * @param atVersion reads the state at this version instead of the latest one
 * @returns undefined when there is no table, or when the log doesn't have that version, or no longer
 * @throws WindrowError LAKE_LOG_INVALID for a gap or a file that can't be read; S3_FAILED
 */
export async function replayLog(
  store: ObjectStore,
  root: string,
  kinds: readonly StateKind[],
  onAction: (action: Action) => void,
  atVersion?: number,
): Promise<Replayed | undefined> {
  const segment = await (atVersion === undefined
    ? findSegment(store, root)
    : findPastSegment(store, root, atVersion));
  if (!segment) return undefined;
  for (const key of segment.checkpoint?.keys ?? []) {
    const bytes = await store.get(key);
    if (!bytes)
      throw new WindrowError('LAKE_LOG_INVALID', `${store.url(key)} was listed, but no longer exists`, {
        retriable: true,
      });
    for (const action of await readCheckpoint(bytes, kinds, store.url(key))) onAction(action);
  }
  for await (const { actions } of readCommits(store, root, segment.commits)) {
    for (const action of actions) onAction(action);
  }
  return { version: segment.version, checkpointVersion: segment.checkpoint?.version ?? -1 };
}

/** Reads the commits of these versions in this order, several at once. */
export async function* readCommits(
  store: ObjectStore,
  root: string,
  versions: readonly number[],
): AsyncIterable<{ version: number; actions: Action[] }> {
  const atOnce = 16;
  for (let start = 0; start < versions.length; start += atOnce) {
    yield* await Promise.all(
      versions.slice(start, start + atOnce).map(async (version) => {
        const key = commitKey(root, version);
        const bytes = await store.get(key);
        if (!bytes)
          throw new WindrowError('LAKE_LOG_INVALID', `${store.url(key)} was listed, but no longer exists`, {
            retriable: true,
          });
        return { version, actions: parseCommit(bytes, store.url(key)) };
      }),
    );
  }
}

/**
 * Lists the commits after `version`, ascending, and whether they follow it without a gap.
 * @throws WindrowError LAKE_LOG_INVALID when the log has neither `version` nor a later one: the log was deleted
 */
export async function commitsAfter(
  store: ObjectStore,
  root: string,
  version: number,
): Promise<{ versions: number[]; gapless: boolean }> {
  const versions: number[] = [];
  let newest = -1;
  for await (const { key } of store.list({
    prefix: logPrefix(root),
    startAfter: versionPrefix(root, version),
  })) {
    const commit = commitVersion(root, key);
    if (commit !== undefined && commit > version) versions.push(commit);
    newest = Math.max(newest, commit ?? checkpointName(root, key)?.version ?? -1);
  }
  if (newest < version) {
    throw new WindrowError(
      'LAKE_LOG_INVALID',
      `the log ${store.url(logPrefix(root))} was at version ${version} and no longer exists: restore it, or restart to create a new table`,
    );
  }
  return { versions, gapless: versions.length === newest - version };
}

async function findSegment(store: ObjectStore, root: string): Promise<LogSegment | undefined> {
  const hint = await lastCheckpoint(store, root);
  if (hint !== undefined) {
    const segment = await listSegment(store, root, hint);
    if (segment) return segment;
  }
  // The pointer is only a hint (protocol, "Last Checkpoint File").
  return listSegment(store, root, 0);
}

/** Far enough back to find a checkpoint, as a rule. */
const pastVersionsAtOnce = 100;

async function findPastSegment(
  store: ObjectStore,
  root: string,
  version: number,
): Promise<LogSegment | undefined> {
  const from = Math.max(0, version - pastVersionsAtOnce);
  const segment =
    (await listSegment(store, root, from, version)) ?? (await listSegment(store, root, 0, version));
  return segment?.version === version ? segment : undefined;
}

/** The version in `_last_checkpoint`: only a hint, there may be a newer checkpoint. */
export async function lastCheckpoint(store: ObjectStore, root: string): Promise<number | undefined> {
  const bytes = await store.get(lastCheckpointKey(root));
  if (!bytes) return undefined;
  try {
    const { version } = JSON.parse(new TextDecoder().decode(bytes)) as { version?: unknown };
    return typeof version === 'number' ? version : undefined;
  } catch {
    return undefined;
  }
}

async function listSegment(
  store: ObjectStore,
  root: string,
  from: number,
  upTo?: number,
): Promise<LogSegment | undefined> {
  const commits: number[] = [];
  const parts = new Map<string, { version: number; keys: string[]; parts: number }>();
  for await (const { key } of store.list({
    prefix: logPrefix(root),
    startAfter: versionPrefix(root, from),
  })) {
    if (upTo !== undefined && (loggedVersion(root, key) ?? 0) > upTo) break;
    const commit = commitVersion(root, key);
    if (commit !== undefined) commits.push(commit);
    const name = checkpointName(root, key);
    if (!name) continue;
    const group = `${name.version}/${name.parts}`;
    const found = parts.get(group) ?? { version: name.version, keys: [], parts: name.parts };
    found.keys.push(key);
    parts.set(group, found);
  }
  const checkpoint = [...parts.values()]
    .filter((found) => found.keys.length === found.parts)
    .reduce<LogSegment['checkpoint']>(
      (best, found) => (best && best.version >= found.version ? best : found),
      undefined,
    );
  // Without a checkpoint the log must be read from its beginning: the hint was wrong.
  if (!checkpoint && from > 0) return undefined;
  const base = checkpoint?.version ?? -1;
  const after = commits.filter((version) => version > base);
  if (!checkpoint && after.length === 0) return undefined;
  const version = base + after.length;
  if (after.length > 0 && after.at(-1) !== version) {
    // Older entries have expired, so this version can no longer be read.
    if (upTo !== undefined) return undefined;
    throw new WindrowError(
      'LAKE_LOG_INVALID',
      `the log ${store.url(logPrefix(root))} has a gap: ${after.length} commits follow ` +
        `${checkpoint ? `checkpoint ${base}` : 'no checkpoint'}, and the last is version ${after.at(-1)}. ` +
        'Restore the missing commits or a checkpoint after them.',
    );
  }
  return { version, checkpoint, commits: after };
}
