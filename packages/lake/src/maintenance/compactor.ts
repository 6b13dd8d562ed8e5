import { WindrowError } from '@windrow/runtime';
import { DeltaLog } from '../delta/delta-log.ts';
import type { LiveFile } from '../delta/live-files.ts';
import { deletedFileRetentionMs } from '../delta/retention.ts';
import { type Host, systemHost } from '../host.ts';
import { fileKey, Intents } from '../ledger/intents.ts';
import { lostEpochs, upkeepOwnerAppId } from '../ledger/positions.ts';
import { type UploadedFiles, Uploads } from '../ledger/uploads.ts';
import type { ObjectStore } from '../object-store.ts';
import type { EncodedFile, ParquetEncoder } from '../parquet/parquet-encoder.ts';
import { MergedRows, rowsInFile } from './merged-rows.ts';
import type { SmallFiles } from './small-files.ts';
import { tableColumns } from './table-columns.ts';
import { condemnGarbage, deleteGarbage } from './vacuum.ts';

export interface CompactorOptions {
  /** The table's root within the bucket. */
  path: string;
  /** Whose ledger it is, as in `LakeTableOptions`. */
  sink: string;
  /** The columns by which rows lie in order, the first one first; those that the table lacks don't count. */
  orderBy: readonly string[];
  /** As in the `TableSchema` that the table is written with. */
  idColumns?: readonly string[];
  encoder: ParquetEncoder;
  host?: Host;
}

/** The right to compact: owner app id → epoch. It ends when anybody claims one of them anew. */
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
 * Compacts small files of one table: the same rows in one file, swapped in by a commit that changes no data and no position.
 * Works beside its writers, in their process or another, with a view of the log of its own. Two at once do no harm: who comes
 * second finds the files gone from the log and gives up. The protocol is that of `model/ledger_model.py`.
 */
export class TableCompactor {
  readonly #store: ObjectStore;
  readonly #log: DeltaLog;
  readonly #options: CompactorOptions;
  readonly #host: Host;
  readonly #intents: Intents;
  readonly #uploads: Uploads;
  /** Not known whether they are or will be committed. */
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

  /** The live files at the log's end. First it settles what has become of compactions that ended without an answer. */
  async files(): Promise<ReadonlyMap<string, LiveFile>> {
    if (this.#unsettled.length > 0) await this.#settle();
    await this.#log.refresh();
    return this.#log.liveFiles;
  }

  /** A commit of anything takes the version for which their PUT may still be under way. */
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
   * Makes whoever compacts by hand the only one who does: an owner of its own in the ledger, no partition's. What a former one
   * has left is swept.
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
   * Reads the files, writes their rows as one, and commits it in their place.
   * @param signal stops it before the commit; nothing has changed then
   * @returns undefined when somebody else has replaced one of the files meanwhile
   * @throws WindrowError LEDGER_LOST when the epochs are no longer held; LAKE_LOG_INVALID for rows that can't be written anew;
   * S3_FAILED or LAKE_CONFLICT, retriable: not known whether it was committed, which the next `files` finds out
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
   * Deletes files that were removed, or never named, longer ago than the table keeps removed files for.
   * @returns how many
   * @throws WindrowError LAKE_LOG_INVALID, S3_FAILED; the signal's reason, with some of them deleted
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
        throw new WindrowError('LAKE_LOG_INVALID', `${this.#store.url(key)} is named by the log and is gone`);
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
      `somebody else compacts table ${table} by now: ${lost.join(', ')}`,
      {
        retriable: true,
      },
    );
  }
}

/** One of the files has been replaced by somebody else. */
class Overtaken extends Error {}

const isLost = (error: unknown) => error instanceof WindrowError && error.code === 'LEDGER_LOST';
