import { WindrowError } from '@windrow/runtime';
import { MergedRows, rowsInFile } from '../columns/merged-rows.ts';
import { DeltaLog } from '../delta/delta-log.ts';
import type { LiveFile } from '../delta/live-files.ts';
import { deletedFileRetentionMs } from '../delta/retention.ts';
import { type Host, systemHost } from '../host.ts';
import { fileKey, Intents } from '../ledger/intents.ts';
import { lostEpochs, upkeepOwnerAppId } from '../ledger/positions.ts';
import { type UploadedFiles, Uploads } from '../ledger/uploads.ts';
import type { ObjectStore } from '../object-store.ts';
import type { EncodedFile, ParquetEncoder } from '../parquet/parquet-encoder.ts';
import type { SmallFiles } from './small-files.ts';
import { tableColumns } from './table-columns.ts';
import { condemnGarbage, deleteGarbage } from './vacuum.ts';

export interface CompactorOptions {
  /** The table's root within the bucket. */
  path: string;
  /** Whose ledger it is, as in `LakeTableOptions`. */
  sink: string;
  /** The columns to sort rows by. Columns that the table lacks are ignored. */
  orderBy: readonly string[];
  /** As in the `TableSchema` that the table is written with. */
  idColumns?: readonly string[];
  encoder: ParquetEncoder;
  host?: Host;
}

/** The right to compact: owner app id → epoch. It ends when another process claims one of them. */
export type Epochs = ReadonlyMap<string, number>;

export interface Compacted {
  readonly version: number;
  readonly rows: number;
  readonly filesBefore: number;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  /** A checkpoint was due and failed; the next commit tries again. */
  readonly checkpointError?: unknown;
}

/**
 * Compacts small files of one table: it writes their rows to one file, and replaces them in a commit that changes no data and no
 * position. It runs concurrently with the table's writers, in their process or another one, and has its own view of the log.
 * Two concurrent compactions do no harm: the second one finds the files removed and gives up. `model/ledger_model.py` checks
 * the protocol.
 */
export class TableCompactor {
  readonly #store: ObjectStore;
  readonly #log: DeltaLog;
  readonly #options: CompactorOptions;
  readonly #host: Host;
  readonly #intents: Intents;
  readonly #uploads: Uploads;
  /** Uploads whose commit has an unknown outcome. */
  #unsettled: { upload: UploadedFiles; sinceVersion: number }[] = [];

  private constructor(store: ObjectStore, log: DeltaLog, options: CompactorOptions) {
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
  static async open(store: ObjectStore, options: CompactorOptions): Promise<TableCompactor | undefined> {
    const { path, host = systemHost } = options;
    const log = await DeltaLog.open(store, path, host, { withFiles: true });
    return log && new TableCompactor(store, log, options);
  }

  /** The live files at the latest version. Before, it settles compactions with an unknown outcome. */
  async files(): Promise<ReadonlyMap<string, LiveFile>> {
    if (this.#unsettled.length > 0) await this.#settle();
    await this.#log.refresh();
    return this.#log.liveFiles;
  }

  /** Any commit takes the version that a delayed PUT of theirs could still create. */
  async #settle(): Promise<void> {
    const { sink } = this.#options;
    await this.#log.append(() => ({
      step: 'claim',
      operation: 'WINDROW SETTLE',
      info: { windrow: { sink } },
      actions: [],
    }));
    for (const unsettled of [...this.#unsettled]) {
      const { upload, sinceVersion } = unsettled;
      const named = await this.#log.named(new Set(upload.adds.map(({ path }) => path)), sinceVersion);
      if (named.size > 0) await this.#uploads.forget(upload);
      else await this.#uploads.discard(upload);
      this.#unsettled = this.#unsettled.filter((each) => each !== unsettled);
    }
  }

  /**
   * Becomes the only compaction that was started by a command: it claims an owner in the ledger that belongs to no partition.
   * Files that a former owner has left are deleted.
   */
  async claim(): Promise<Epochs> {
    const appId = upkeepOwnerAppId(this.#options.sink);
    let epoch = 0;
    await this.#log.append(() => {
      epoch = (this.#log.txns.get(appId) ?? 0) + 1;
      const txn = { appId, version: epoch, lastUpdated: this.#host.nowMs() };
      const info = { windrow: { sink: this.#options.sink } };
      return { step: 'claim', operation: 'WINDROW CLAIM', info, actions: [{ txn }] };
    });
    await this.#intents.sweep(this.#log);
    return new Map([[appId, epoch]]);
  }

  /**
   * Reads the files, writes their rows to one file, and commits it in their place.
   * @param signal stops it before the commit, with nothing changed
   * @returns undefined when another process has replaced one of the files meanwhile
   * @throws WindrowError LEDGER_LOST when the epochs are no longer held; LAKE_LOG_INVALID for rows that can't be rewritten;
   * S3_FAILED or LAKE_CONFLICT, retriable: the outcome is unknown until the next call of `files`
   */
  async compact(small: SmallFiles, epochs: Epochs, signal?: AbortSignal): Promise<Compacted | undefined> {
    if (!this.#areLive(small)) return undefined;
    const encoded = await this.#merge(small, signal);
    if (!encoded) return undefined;
    signal?.throwIfAborted();
    const { partitionValues, namePrefix } = small;
    const by = { epochs, sinceVersion: this.#log.version, dataChange: false };
    const upload = await this.#uploads.upload(
      [{ partitionValues, namePrefix, encode: async () => encoded }],
      by,
    );
    let version: number;
    try {
      ({ version } = await this.#log.append(() => {
        this.#assertHeld(epochs);
        if (!this.#areLive(small)) throw new Overtaken();
        return this.#draft(small, upload);
      }));
    } catch (error) {
      if (error instanceof Overtaken || isLost(error)) await this.#uploads.discard(upload);
      else this.#unsettled.push({ upload, sinceVersion: by.sinceVersion });
      if (error instanceof Overtaken) return undefined;
      throw error;
    }
    await this.#uploads.forget(upload);
    return {
      version,
      rows: small.rows,
      filesBefore: small.files.length,
      bytesBefore: small.bytes,
      bytesAfter: encoded.bytes.length,
      ...(await this.#log.checkpointWhenDue()),
    };
  }

  /**
   * Deletes files that were removed, or written and never committed, before the table's retention period.
   * @returns the number of files
   * @throws WindrowError LAKE_LOG_INVALID, S3_FAILED; the signal's reason, with some files deleted
   */
  async vacuum(signal: AbortSignal): Promise<number> {
    const cutMs = this.#host.nowMs() - deletedFileRetentionMs(this.#log.metaData.configuration);
    const by = { sink: this.#options.sink, host: this.#host, cutMs };
    const garbage = await condemnGarbage(this.#store, this.#log, by);
    await deleteGarbage(this.#store, garbage, { signal });
    return garbage.length;
  }

  async #merge(small: SmallFiles, signal: AbortSignal | undefined): Promise<EncodedFile | undefined> {
    const { files, rows } = small;
    const { encoder, idColumns = [], orderBy } = this.#options;
    const table = this.#store.url(this.#log.root);
    const merged = new MergedRows({ ...tableColumns(this.#log.metaData, table), idColumns });
    for (const file of files) {
      signal?.throwIfAborted();
      const key = fileKey(this.#log.root, file.path);
      const bytes = await this.#store.get(key);
      if (!bytes) {
        await this.#log.refresh();
        if (!this.#areLive(small)) return undefined;
        throw new WindrowError(
          'LAKE_LOG_INVALID',
          `${this.#store.url(key)} is in the log, but no longer exists`,
        );
      }
      await merged.add(bytes, this.#store.url(key), () => this.#host.pause(0));
    }
    if (merged.rowCount !== rows)
      throw new WindrowError(
        'LAKE_LOG_INVALID',
        `${files.length} files of ${table} have ${merged.rowCount} rows, and the log says ${rows}: nothing was compacted`,
      );
    const encoded = await encoder.encode(merged.inOrderOf(orderBy));
    const written = rowsInFile(encoded.bytes);
    if (written !== rows || encoded.stats.numRecords !== rows)
      throw new WindrowError(
        'ENCODE_FAILED',
        `${rows} rows of ${table} became ${written}: nothing was compacted`,
      );
    return encoded;
  }

  #draft({ files, rows, bytes, namePrefix }: SmallFiles, { adds }: UploadedFiles) {
    const deletionTimestamp = this.#host.nowMs();
    const { sink } = this.#options;
    return {
      step: 'compaction' as const,
      operation: 'OPTIMIZE',
      info: {
        operationParameters: { predicate: '[]', window: namePrefix },
        operationMetrics: {
          numRemovedFiles: files.length,
          numRemovedBytes: bytes,
          numAddedFiles: adds.length,
          numAddedBytes: adds.reduce((sum, { size }) => sum + size, 0),
          numOutputRows: rows,
        },
        isBlindAppend: false,
        windrow: { sink },
      },
      actions: [
        ...files.map(({ path, partitionValues, sizeBytes }) => ({
          remove: {
            path,
            deletionTimestamp,
            dataChange: false,
            extendedFileMetadata: true,
            partitionValues: { ...partitionValues },
            size: sizeBytes,
          },
        })),
        ...adds.map((add) => ({ add })),
      ],
    };
  }

  #areLive({ files }: SmallFiles): boolean {
    return files.every(({ path }) => this.#log.liveFiles.has(path));
  }

  #assertHeld(epochs: Epochs): void {
    const lost = lostEpochs(this.#log.txns, epochs);
    if (lost.length === 0) return;
    const table = this.#store.url(this.#log.root);
    throw new WindrowError(
      'LEDGER_LOST',
      `another process has claimed the compaction of table ${table}: ${lost.join(', ')}`,
      {
        retriable: true,
      },
    );
  }
}

/** Another process has replaced one of the files. */
class Overtaken extends Error {}

const isLost = (error: unknown) => error instanceof WindrowError && error.code === 'LEDGER_LOST';
