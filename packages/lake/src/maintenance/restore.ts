import { WindrowError } from '@windrow/runtime';
import type { Add } from '../delta/actions.ts';
import { DeltaLog } from '../delta/delta-log.ts';
import { assertSupported } from '../delta/protocol.ts';
import { tombstoneRetentionMs } from '../delta/retention.ts';
import { readTableState, readTableStateAt, type TableState } from '../delta/table-state.ts';
import type { Host } from '../host.ts';
import { fileKey } from '../ledger/intents.ts';
import { vacuumAppId } from '../ledger/positions.ts';
import type { ObjectStore } from '../object-store.ts';
import {
  changesNothing,
  changesTo,
  type RestoreChanges,
  restoreActions,
  restoreMetrics,
  rowsRemoved,
  txnVersions,
} from './restore-changes.ts';
import { assertSchemaHolds } from './restore-schema.ts';

export interface RestoreOptions {
  /** The table's root within the bucket. */
  path: string;
  /** Whose ledger it is, as in `LakeTableOptions`. */
  sink: string;
  /** The version to restore. */
  version: number;
  host: Host;
}

/** Topic → partition → the first offset from which all records can still be read. */
export type RetainedOffsets = ReadonlyMap<string, ReadonlyMap<number, number>>;

export interface Restored {
  readonly version: number;
  readonly changes: RestoreChanges;
  /** A checkpoint was due and failed; the next commit tries again. */
  readonly checkpointError?: unknown;
}

/**
 * Restores a table to an older version by a new commit. It restores files and ledger together: otherwise the removed rows would
 * never be loaded again. Running sinks lose their claims, read the ledger again, and commit the events after that version once
 * more; so Kafka must still have them. The metadata doesn't change. The history stays, so another restore can undo this one.
 */
export class TableRestore {
  readonly #store: ObjectStore;
  readonly #log: DeltaLog;
  readonly #options: RestoreOptions;
  readonly #target: TableState;
  /** Key → time of writing, of all objects below the table's root. */
  readonly #lying: ReadonlyMap<string, number>;
  readonly #now: TableState;

  private constructor(
    store: ObjectStore,
    log: DeltaLog,
    options: RestoreOptions,
    read: { target: TableState; now: TableState; lying: ReadonlyMap<string, number> },
  ) {
    this.#store = store;
    this.#log = log;
    this.#options = options;
    this.#target = read.target;
    this.#now = read.now;
    this.#lying = read.lying;
  }

  /**
   * @returns undefined when there is no table, or when its log doesn't have that version
   * @throws WindrowError RESTORE_REFUSED, with nothing changed, when the version can't be restored; LAKE_LOG_INVALID, S3_FAILED
   */
  static async prepare(store: ObjectStore, options: RestoreOptions): Promise<TableRestore | undefined> {
    const { path: root, version, host } = options;
    const target = await readTableStateAt(store, root, version);
    const log = target && (await DeltaLog.open(store, root, host, { withFiles: true }));
    if (!target || !log) return undefined;
    const now = await readTableState(store, root);
    const lying = new Map<string, number>();
    for await (const { key, modifiedMs } of store.list({ prefix: `${root}/` })) lying.set(key, modifiedMs);
    const restore = new TableRestore(store, log, options, { target, now, lying });
    restore.#assertRestorable(restore.changes);
    return restore;
  }

  /** The changes that a restore would make, by the state that was read last. */
  get changes(): RestoreChanges {
    return changesTo(this.#target, this.#log, this.#options.sink);
  }

  /**
   * @returns undefined when there is nothing to change
   * @throws WindrowError RESTORE_REFUSED, with nothing changed. S3_FAILED or LAKE_CONFLICT, retriable: the outcome is unknown;
   * repeating it does no harm
   */
  async commit(retained: RetainedOffsets): Promise<Restored | undefined> {
    const { sink, version: to, host } = this.#options;
    let changes = this.changes;
    class NothingToChange extends Error {}
    let version: number;
    try {
      ({ version } = await this.#log.append(() => {
        changes = this.changes;
        if (changesNothing(changes)) throw new NothingToChange();
        this.#assertRestorable(changes);
        this.#assertRetained(changes, retained);
        return {
          step: 'restore',
          operation: 'RESTORE',
          info: {
            operationParameters: { version: to },
            operationMetrics: restoreMetrics(changes, this.#log),
            readVersion: this.#log.version,
            isBlindAppend: false,
            windrow: {
              sink,
              removedRows: rowsRemoved(changes),
              positions: changes.places.map(({ topic, partition, to: { nextOffset, rows } }) => ({
                ...{ topic, partition, nextOffset, rows },
              })),
            },
          },
          actions: restoreActions(changes, this.#log, { sink, nowMs: host.nowMs() }),
        };
      }));
    } catch (error) {
      if (error instanceof NothingToChange) return undefined;
      throw error;
    }
    return { version, changes, ...(await this.#log.checkpointWhenDue()) };
  }

  /**
   * Checks, before the user is asked, that Kafka still has the events that sinks would load again. `commit` repeats the check.
   * @throws WindrowError RESTORE_REFUSED
   */
  assertRetained(retained: RetainedOffsets): void {
    this.#assertRetained(this.changes, retained);
  }

  #assertRestorable({ added }: RestoreChanges): void {
    const { metaData } = this.#log;
    const { version } = this.#options;
    if (metaData.configuration['delta.appendOnly'] === 'true')
      throw this.#refused(
        'its property delta.appendOnly forbids that rows are removed: unset it with the engine that has set it',
      );
    if (this.#target.protocol && this.#target.metaData) {
      assertSupported(this.#target.protocol, this.#target.metaData, `${this.#url} at version ${version}`);
      assertSchemaHolds(this.#target.metaData, metaData, this.#url, version);
    }
    this.#assertNoForeignProgress();
    const gone = added.filter((add) => !this.#isKept(add)).map(({ path }) => path);
    if (gone.length === 0) return;
    const named = gone.slice(0, 5).map((path) => this.#store.url(fileKey(this.#log.root, path)));
    const more = gone.length > named.length ? `, and ${gone.length - named.length} more` : '';
    throw this.#refused(
      `a vacuum has deleted ${gone.length} of its files, or may any moment: ${named.join(', ')}${more}. Restore a version that has none of them`,
    );
  }

  /**
   * Whether the file exists and no vacuum has announced that it deletes it. The rule is that of `garbageIn`. A vacuum may have
   * read a checkpoint without old tombstones, so tombstones beyond their retention don't count here, either.
   */
  #isKept({ path }: Add): boolean {
    const writtenMs = this.#lying.get(fileKey(this.#log.root, path));
    const cutMs = this.#log.txns.get(vacuumAppId(this.#options.sink));
    // It was live when the restore was prepared, and was removed since.
    if (this.#now.adds.has(path)) return writtenMs !== undefined && cutMs === this.#cutThenMs;
    if (writtenMs === undefined) return false;
    if (cutMs === undefined) return true;
    const removedMs = this.#now.removes.get(path)?.deletionTimestamp;
    if (removedMs !== undefined && removedMs <= cutMs) return false;
    const { configuration } = this.#log.metaData;
    const keptSinceMs = this.#options.host.nowMs() - tombstoneRetentionMs(configuration);
    return writtenMs > cutMs || (removedMs !== undefined && removedMs > keptSinceMs);
  }

  get #cutThenMs(): number | undefined {
    return this.#now.txns.get(vacuumAppId(this.#options.sink))?.version;
  }

  /** Another writer's rows would be removed, while its own progress says that they are written. */
  #assertNoForeignProgress(): void {
    const then = txnVersions(this.#target);
    const foreign = [...this.#log.txns].filter(
      ([appId, version]) => !appId.startsWith(`${this.#options.sink}:`) && then.get(appId) !== version,
    );
    if (foreign.length === 0) return;
    const names = foreign.map(([appId]) => appId).join(', ');
    throw this.#refused(
      `another writer has made progress since, which would be lost: ${names}. Restore a version after it`,
    );
  }

  /** @throws WindrowError RESTORE_REFUSED when Kafka no longer has events that were committed after the version */
  #assertRetained({ places }: RestoreChanges, retained: RetainedOffsets): void {
    const lost = places.flatMap(({ topic, partition, from, to }) => {
      if (to.nextOffset >= from.nextOffset) return [];
      const first = retained.get(topic)?.get(partition);
      if (first !== undefined && first <= to.nextOffset) return [];
      const has = first === undefined ? 'Kafka has no such partition' : `Kafka has it from ${first} on`;
      return `${topic}/${partition} would go back from offset ${from.nextOffset} to ${to.nextOffset}, and ${has}`;
    });
    if (lost.length === 0) return;
    throw this.#refused(
      `what has landed since could not land again: ${lost.join('; ')}. Restore a version with later offsets (windrow lake history ${this.#log.root} --json tells them), or read version ${this.#options.version} where it is (docs/how-to/time-travel.md)`,
    );
  }

  get #url(): string {
    return this.#store.url(this.#log.root);
  }

  #refused(reason: string): WindrowError {
    return new WindrowError(
      'RESTORE_REFUSED',
      `table ${this.#url} can't be version ${this.#options.version} again: ${reason}. Nothing was changed.`,
    );
  }
}
