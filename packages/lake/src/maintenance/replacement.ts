import { WindrowError } from '@windrow/runtime';
import { MergedRows } from '../columns/merged-rows.ts';
import type { Add } from '../delta/actions.ts';
import { DeltaLog } from '../delta/delta-log.ts';
import { statsOf } from '../delta/file-stats.ts';
import { storedSchema } from '../delta/stored-schema.ts';
import { type Host, systemHost } from '../host.ts';
import { fileKey, Intents } from '../ledger/intents.ts';
import {
  lostEpochs,
  offsetAppId,
  replayAppId,
  replayedRowsAppId,
  replayOwnerAppId,
  rowsAppId,
} from '../ledger/positions.ts';
import { type PlannedFile, type UploadedFiles, Uploads } from '../ledger/uploads.ts';
import type { ObjectStore } from '../object-store.ts';
import type { EncodedFile, FileStats, ParquetEncoder } from '../parquet/parquet-encoder.ts';
import { readNumberColumns } from '../parquet/read-number-columns.ts';
import type { TableSchema } from '../table-schema.ts';
import type { Epochs } from './compactor.ts';
import { windowOf } from './small-files.ts';
import { tableColumns } from './table-columns.ts';

export interface ReplacementOptions {
  /** The table's root within the bucket. */
  path: string;
  /** Whose ledger it is, as in `LakeTableOptions`. */
  sink: string;
  /** As in the `TableSchema` that the table is written with. */
  idColumns: readonly string[];
  encoder: ParquetEncoder;
  host?: Host;
}

/** The rows to replace, identified by two number columns. */
export interface RowsToReplace {
  readonly columns: readonly [string, string];
  has(first: number, second: number): boolean;
  /** False when a file's statistics show that it has none of them. */
  mayBeIn(stats: FileStats | undefined): boolean;
}

export interface ReplacementCommit {
  /** The replay's id, for the table's history. */
  id: number;
  /** The topic whose ledger counts the table's rows. */
  topic: string;
  /** Partition → position that the ledger must have reached. Rows after it are not replaced. */
  landedUntil: ReadonlyMap<number, number>;
  rows: RowsToReplace;
  /** The files with the new rows, uploaded by {@link TableReplacement.upload}. */
  staged: readonly UploadedFiles[];
  /** Partition → number of new rows. */
  added: ReadonlyMap<number, number>;
}

export interface Replaced {
  readonly version: number;
  /** An earlier call, whose outcome was unknown, has committed it. */
  readonly wasCommitted: boolean;
}

/** The files to remove, and the files with those of their rows that stay. */
interface Removal {
  files: Add[];
  survivors: UploadedFiles;
  /** Partition → rows. */
  removed: Map<number, number>;
}

const maxOvertaken = 10;

/**
 * Replaces rows of a table in one commit: it removes the files that have some of the rows, and rewrites the other rows of these
 * files. It runs concurrently with the table's sink and compaction. It claims an owner in the ledger, so that there is one
 * replay of a table at a time.
 */
export class TableReplacement {
  readonly #store: ObjectStore;
  readonly #log: DeltaLog;
  readonly #options: ReplacementOptions;
  readonly #host: Host;
  readonly #intents: Intents;
  readonly #uploads: Uploads;

  private constructor(store: ObjectStore, log: DeltaLog, options: ReplacementOptions) {
    this.#store = store;
    this.#log = log;
    this.#options = options;
    this.#host = options.host ?? systemHost;
    this.#intents = new Intents(store, log.root, this.#host);
    this.#uploads = new Uploads(store, log.root, this.#intents, this.#host);
  }

  /**
   * @returns undefined when there is no table
   * @throws WindrowError LAKE_LOG_INVALID, S3_FAILED
   */
  static async open(store: ObjectStore, options: ReplacementOptions): Promise<TableReplacement | undefined> {
    const { path, host = systemHost } = options;
    const log = await DeltaLog.open(store, path, host, { withFiles: true });
    return log && new TableReplacement(store, log, options);
  }

  /** The schema with which rows are written to this table. */
  storedSchema(schema: TableSchema): TableSchema {
    return storedSchema(schema, this.#log.metaData);
  }

  /** Becomes the only replay of the table; files that a former one has left are deleted. @throws WindrowError S3_FAILED, LAKE_CONFLICT */
  async claim(): Promise<Epochs> {
    const appId = replayOwnerAppId(this.#options.sink);
    let epoch = 0;
    await this.#log.append(() => {
      epoch = (this.#log.txns.get(appId) ?? 0) + 1;
      const info = { windrow: { sink: this.#options.sink } };
      return { step: 'claim', operation: 'WINDROW CLAIM', info, actions: [this.#txn(appId, epoch)] };
    });
    await this.#intents.sweep(this.#log);
    return new Map([[appId, epoch]]);
  }

  /** The claim with this epoch, which another process may have made. */
  epochsOf(epoch: number): Epochs {
    return new Map([[replayOwnerAppId(this.#options.sink), epoch]]);
  }

  epochIn(epochs: Epochs): number {
    return epochs.get(replayOwnerAppId(this.#options.sink)) ?? 0;
  }

  /** Whether no other process has claimed since. If so, the files that were uploaded under these epochs still exist. */
  async isHeld(epochs: Epochs): Promise<boolean> {
    await this.#log.refresh();
    return lostEpochs(this.#log.txns, epochs).length === 0;
  }

  /** The version of the commit that was made under these epochs; undefined if there is none. */
  async committedVersion(epochs: Epochs): Promise<number | undefined> {
    await this.#log.refresh();
    return this.#committed(epochs);
  }

  /** Uploads files without committing them; an intent lists them. @throws WindrowError S3_FAILED, ENCODE_FAILED */
  upload(files: readonly PlannedFile[], epochs: Epochs): Promise<UploadedFiles> {
    return this.#uploads.upload(files, { epochs, sinceVersion: this.#log.version, dataChange: true });
  }

  /** The live files at the latest version that may have some of the rows. */
  async filesWith(rows: RowsToReplace): Promise<Add[]> {
    const { adds } = await this.#log.files();
    return [...adds.values()].filter(({ stats }) => rows.mayBeIn(statsOf(stats)));
  }

  /** Reads a data file of the table. @throws WindrowError LAKE_CONFLICT, retriable, when it no longer exists */
  async read(path: string): Promise<{ bytes: Uint8Array; source: string }> {
    const key = fileKey(this.#log.root, path);
    const bytes = await this.#store.get(key);
    if (bytes) return { bytes, source: this.#store.url(key) };
    throw new WindrowError('LAKE_CONFLICT', `${this.#store.url(key)} was replaced and vacuumed meanwhile`, {
      retriable: true,
    });
  }

  /**
   * Removes the rows and adds the staged ones in one commit. When its outcome is unknown, call it again, in this process or
   * another one.
   * @throws WindrowError LEDGER_LOST when another replay has claimed the table, or when the ledger is behind `landedUntil`
   * because the table was restored; S3_FAILED, LAKE_CONFLICT, retriable
   */
  async commit(commit: ReplacementCommit, epochs: Epochs, signal?: AbortSignal): Promise<Replaced> {
    for (let attempt = 1; ; attempt++) {
      await this.#log.refresh();
      const done = this.#committed(epochs);
      if (done !== undefined) return { version: done, wasCommitted: true };
      const removal = await this.#remove(commit.rows, epochs, signal);
      signal?.throwIfAborted();
      try {
        const { version } = await this.#log.append(() => {
          this.#assertHeld(commit, epochs);
          if (!removal.files.every(({ path }) => this.#log.liveFiles.has(path))) throw new Overtaken();
          return this.#draft(commit, epochs, removal);
        });
        await this.#uploads.forget(removal.survivors);
        for (const upload of commit.staged) await this.#uploads.forget(upload);
        await this.#log.checkpointWhenDue();
        return { version, wasCommitted: false };
      } catch (error) {
        if (error instanceof Overtaken || isLost(error)) await this.#uploads.discard(removal.survivors);
        if (error instanceof Overtaken && attempt < maxOvertaken) continue;
        if (!(error instanceof Overtaken)) throw error;
        const message = `the files of ${this.#store.url(this.#log.root)} were compacted ${maxOvertaken} times meanwhile`;
        throw new WindrowError('LAKE_CONFLICT', message, { retriable: true });
      }
    }
  }

  /** The version of the commit that this claim has made, if any: it makes at most one. */
  #committed(epochs: Epochs): number | undefined {
    const { sink } = this.#options;
    const { last, version } = replayAppId(sink);
    const isOwn = this.#log.txns.get(last) === epochs.get(replayOwnerAppId(sink));
    return isOwn ? this.#log.txns.get(version) : undefined;
  }

  async #remove(rows: RowsToReplace, epochs: Epochs, signal: AbortSignal | undefined): Promise<Removal> {
    const removed = new Map<number, number>();
    const files: Add[] = [];
    const rewritten: PlannedFile[] = [];
    for (const add of await this.filesWith(rows)) {
      signal?.throwIfAborted();
      const { bytes, source } = await this.read(add.path);
      const [first, second] = (await readNumberColumns(bytes, rows.columns, source)) as [
        Float64Array,
        Float64Array,
      ];
      const kept: number[] = [];
      for (let row = 0; row < first.length; row++) {
        const partition = first[row] ?? Number.NaN;
        if (rows.has(partition, second[row] ?? Number.NaN))
          removed.set(partition, (removed.get(partition) ?? 0) + 1);
        else kept.push(row);
      }
      if (kept.length === first.length) continue;
      files.push(add);
      if (kept.length === 0) continue;
      const { partitionValues, path } = add;
      rewritten.push({
        partitionValues,
        namePrefix: windowOf(path).namePrefix,
        encode: () => this.#survivors(path, Uint32Array.from(kept)),
      });
    }
    return { files, survivors: await this.upload(rewritten, epochs), removed };
  }

  async #survivors(path: string, order: Uint32Array): Promise<EncodedFile> {
    const { encoder, idColumns } = this.#options;
    const table = this.#store.url(this.#log.root);
    const merged = new MergedRows({ ...tableColumns(this.#log.metaData, table), idColumns });
    const { bytes, source } = await this.read(path);
    await merged.add(bytes, source, () => this.#host.pause(0));
    const { buffers } = merged.inOrderOf([]);
    return encoder.encode({ buffers, order });
  }

  #draft(
    { id, topic, staged, added }: ReplacementCommit,
    epochs: Epochs,
    { files, survivors, removed }: Removal,
  ) {
    const { sink } = this.#options;
    const deletionTimestamp = this.#host.nowMs();
    const version = this.#log.version + 1;
    const counters = [...new Set([...added.keys(), ...removed.keys()])].flatMap((partition) => {
      const net = (added.get(partition) ?? 0) - (removed.get(partition) ?? 0);
      if (net === 0) return [];
      return [rowsAppId, replayedRowsAppId].map((appIdOf) => {
        const appId = appIdOf(sink, { topic, partition });
        return this.#txn(appId, (this.#log.txns.get(appId) ?? 0) + net);
      });
    });
    const { last, version: versionAppId } = replayAppId(sink);
    const adds = [...staged, survivors].flatMap((upload) => upload.adds);
    return {
      step: 'replay' as const,
      operation: 'WINDROW REPLAY',
      info: {
        operationMetrics: {
          numRemovedFiles: files.length,
          numAddedFiles: adds.length,
          numReplacedRows: [...removed.values()].reduce((sum, rows) => sum + rows, 0),
        },
        isBlindAppend: false,
        windrow: { sink, replay: id },
      },
      actions: [
        this.#txn(last, epochs.get(replayOwnerAppId(sink)) ?? 0),
        this.#txn(versionAppId, version),
        ...counters,
        ...files.map(({ path, partitionValues, size }) => ({
          remove: {
            path,
            deletionTimestamp,
            dataChange: true,
            extendedFileMetadata: true,
            partitionValues: { ...partitionValues },
            size,
          },
        })),
        ...adds.map((add) => ({ add })),
      ],
    };
  }

  #assertHeld({ topic, landedUntil }: ReplacementCommit, epochs: Epochs): void {
    const { sink } = this.#options;
    const lost = lostEpochs(this.#log.txns, epochs);
    for (const [partition, position] of landedUntil) {
      const appId = offsetAppId(sink, { topic, partition });
      const landed = this.#log.txns.get(appId) ?? 0;
      if (landed < position) lost.push(`${appId} (at ${landed}, was at ${position})`);
    }
    if (lost.length === 0) return;
    const table = this.#store.url(this.#log.root);
    const message = `table ${table} was changed by another replay or a restore: ${lost.join(', ')}. Replay again.`;
    throw new WindrowError('LEDGER_LOST', message, { retriable: true });
  }

  #txn(appId: string, version: number) {
    return { txn: { appId, version, lastUpdated: this.#host.nowMs() } };
  }
}

/** Another process has replaced one of the files. */
class Overtaken extends Error {}

const isLost = (error: unknown) => error instanceof WindrowError && error.code === 'LEDGER_LOST';
