import {
  changesNothing,
  type RestoreChanges,
  readableVersions,
  rowsAdded,
  rowsRemoved,
  systemHost,
  TableRestore,
  versionAt,
} from '@windrow/lake';
import { KafkaBroker } from '@windrow/pipeline';
import { isRetriable, kafkaConfig, loadConfig, WindrowError } from '@windrow/runtime';
import { type LakeTableName, lakeSink } from '../ledgers.ts';
import { type Lake, openTableLog } from './open-lake.ts';
import { assertRowsRetained, retainedOffsets } from './retained.ts';

/** A version by its number, or by a time (epoch milliseconds) at which it was the newest one. */
export type RestoreTarget = { version: number } | { timeMs: number };

export interface RestoreResult {
  table: string;
  /** The version to which the table is restored. */
  to: number;
  /** The newest version before the restore. */
  from: number;
  /** The version that the restore committed; null if there was nothing to change or the restore was not confirmed. */
  version: number | null;
  /** Null when the statistics of the files have no number of rows. */
  rows: { removed: number | null; added: number | null };
  files: { removed: number; added: number };
  positions: { topic: string; partition: number; from: number; to: number; rowsToLandAgain: number }[];
}

/** Called before the restore changes anything. If it returns false, nothing is changed. */
type Confirm = (planned: RestoreResult) => Promise<boolean>;

/**
 * Restores a table to an earlier version. The lake sink then writes the later events again.
 * @throws WindrowError USAGE for a version that does not exist or that the log no longer has; RESTORE_REFUSED; S3_FAILED,
 * LAKE_CONFLICT, KAFKA_UNAVAILABLE
 */
export async function restoreTable(
  { signal }: { signal: AbortSignal },
  env: NodeJS.ProcessEnv,
  lake: Lake,
  table: LakeTableName,
  target: RestoreTarget,
  confirm: Confirm,
): Promise<RestoreResult> {
  const { store } = lake;
  const log = await openTableLog(lake, table);
  const to = await versionOf(lake, table, target, log.version);
  const options = { path: table.path, sink: lakeSink, version: to, host: systemHost };
  const unchanged = { table: table.path, to, from: log.version, version: null };
  const nothing = {
    ...{ ...unchanged, rows: { removed: 0, added: 0 }, files: { removed: 0, added: 0 } },
    positions: [],
  };
  if (to === log.version) return nothing;
  const restore = await TableRestore.prepare(store, options);
  if (!restore) throw await unreadable(lake, table, to);
  const { changes } = restore;
  if (changesNothing(changes)) return nothing;
  const broker = new KafkaBroker({
    brokers: loadConfig(kafkaConfig, env).KAFKA_BROKERS,
    clientId: 'windrow-restore',
  });
  try {
    const retained = await retainedOffsets(broker, changes);
    restore.assertRetained(retained);
    if (isOfCompactedTopic(lake, table))
      await assertRowsRetained({ broker, store, signal }, table.path, changes);
    const planned = { ...unchanged, ...told(changes) };
    if (!(await confirm(planned))) return planned;
    signal.throwIfAborted();
    const restored = await restore.commit(retained).catch((error: unknown) => {
      throw isRetriable(error) ? notKnown(table, error) : error;
    });
    return restored ? { ...unchanged, ...told(restored.changes), version: restored.version } : nothing;
  } finally {
    await broker.close();
  }
}

function notKnown({ path }: LakeTableName, cause: unknown): WindrowError {
  const { code, message } = cause as WindrowError;
  return new WindrowError(
    code,
    `it is unknown whether table ${path} was restored. Look at windrow lake history ${path}, and restore it again if it was not; a second restore does no harm. ${message}`,
    { retriable: true, cause },
  );
}

async function versionOf(
  { store }: Lake,
  { path }: LakeTableName,
  target: RestoreTarget,
  newest: number,
): Promise<number> {
  if ('version' in target) {
    if (target.version <= newest) return target.version;
    throw new WindrowError(
      'USAGE',
      `table ${path} has no version ${target.version} yet: the newest one is ${newest}`,
    );
  }
  const versions = await readableVersions(store, path);
  const version = versionAt(versions, target.timeMs);
  if (version !== undefined) return version;
  const oldest = versions[0] && `${versions[0].version}, of ${new Date(versions[0].timeMs).toISOString()}`;
  throw new WindrowError(
    'USAGE',
    `the log of table ${path} does not reach back to that time; its oldest version is ${oldest}`,
  );
}

async function unreadable({ store }: Lake, { path }: LakeTableName, version: number): Promise<WindrowError> {
  const [oldest] = await readableVersions(store, path);
  return new WindrowError(
    'USAGE',
    `the log of table ${path} no longer has version ${version}; its oldest version is ${oldest?.version}`,
  );
}

function isOfCompactedTopic({ contracts }: Lake, { path }: LakeTableName): boolean {
  return contracts.some(({ lake, topics }) => {
    const topic = lake.raw === path ? topics.raw : lake.curated === path ? topics.enriched : undefined;
    return topic !== undefined && topic.cleanup !== 'delete';
  });
}

function told(changes: RestoreChanges): Pick<RestoreResult, 'rows' | 'files' | 'positions'> {
  return {
    rows: { removed: rowsRemoved(changes) ?? null, added: rowsAdded(changes) ?? null },
    files: { removed: changes.removed.length, added: changes.added.length },
    positions: changes.places.map(({ topic, partition, from, to }) => ({
      ...{ topic, partition, from: from.nextOffset, to: to.nextOffset },
      rowsToLandAgain: Math.max(0, from.rows - to.rows),
    })),
  };
}
