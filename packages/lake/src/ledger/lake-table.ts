import type { TopicPartition } from '@windrow/contracts';
import { failpoint, WindrowError } from '@windrow/runtime';
import type { Action } from '../delta/actions.ts';
import type { DeltaLog } from '../delta/delta-log.ts';
import { type OpenedTable, openOrCreate } from '../delta/table-creation.ts';
import { type Host, systemHost } from '../host.ts';
import type { ObjectStore } from '../object-store.ts';
import { datePartition, type TableColumn, type TableSchema } from '../table-schema.ts';
import { Intents } from './intents.ts';
import {
  allPositions,
  type LedgerPosition,
  type LedgerRange,
  lostEpochs,
  offsetAppId,
  ownerAppId,
  positionOf,
  rowsAppId,
} from './positions.ts';
import { type PlannedFile, type UploadedFiles, Uploads } from './uploads.ts';

export interface LakeTableOptions {
  /** The table's root within the bucket, e.g. `curated/track`. */
  path: string;
  /** Where the table has text for a nested column, it stays text: see {@link LakeTable.schema}. */
  schema: TableSchema;
  partitionColumns?: readonly TableColumn[];
  /** Whose ledger it is, e.g. `lake`. */
  sink: string;
  host?: Host;
}

/** The right to commit to some partitions, until another process claims one of them. */
export interface Claim {
  readonly version: number;
  /** The next offset of each claimed partition. */
  readonly positions: readonly LedgerPosition[];
  /** Owner app id → epoch. */
  readonly epochs: ReadonlyMap<string, number>;
}

/** Files that are uploaded but not committed. */
export interface Upload extends UploadedFiles {
  readonly claim: Claim;
}

export interface Committed {
  readonly version: number;
  /** How often another writer has committed the version first. */
  readonly conflicts: number;
}

/**
 * A Delta table that is also the ledger of its sink: it commits offsets in the same atomic write as the files with their rows.
 * `model/ledger_model.py` checks the protocol (docs/DESIGN.md, "Lake"). For each assignment call `claim`; then, for each
 * micro-batch, `upload` and `commit`. After **any** error of `commit`, claim again before anything else: the commit may have
 * succeeded, and then the positions of the new claim include it.
 */
export class LakeTable {
  /** The schema of the rows to write. It differs from that of the options in columns that are text in the table. */
  readonly schema: TableSchema;
  readonly #store: ObjectStore;
  readonly #log: DeltaLog;
  readonly #intents: Intents;
  readonly #uploads: Uploads;
  readonly #sink: string;
  readonly #host: Host;

  private constructor(store: ObjectStore, { log, schema }: OpenedTable, sink: string, host: Host) {
    this.schema = schema;
    this.#store = store;
    this.#log = log;
    this.#sink = sink;
    this.#host = host;
    this.#intents = new Intents(store, log.root, host);
    this.#uploads = new Uploads(store, log.root, this.#intents, host);
  }

  /**
   * Opens the table, creates it if there is none, and adds missing columns. Any number of processes may call it at the same time.
   * @throws WindrowError SCHEMA_INCOMPATIBLE, LAKE_LOG_INVALID, S3_FAILED
   */
  static async open(store: ObjectStore, options: LakeTableOptions): Promise<LakeTable> {
    const { path: root, schema, sink, partitionColumns = [datePartition], host = systemHost } = options;
    const opened = await openOrCreate({ store, root, schema, partitionColumns, host });
    return new LakeTable(store, opened, sink, host);
  }

  /** The positions of all partitions of the sink at the latest version. It claims nothing. */
  async positions(): Promise<LedgerPosition[]> {
    await this.#log.refresh();
    return allPositions(this.#log.txns, this.#sink);
  }

  /**
   * Becomes the owner of the partitions: from now on, former owners can't commit their micro-batches. Files that they have
   * uploaded are deleted.
   * @throws WindrowError S3_FAILED or LAKE_CONFLICT, both retriable: claim again
   */
  async claim(partitions: readonly TopicPartition[]): Promise<Claim> {
    await this.#log.refresh();
    if (partitions.length === 0) return { version: this.#log.version, positions: [], epochs: new Map() };
    let epochs = new Map<string, number>();
    const { version } = await this.#log.append(() => {
      epochs = new Map(
        partitions.map((of) => {
          const appId = ownerAppId(this.#sink, of);
          return [appId, (this.#log.txns.get(appId) ?? 0) + 1];
        }),
      );
      const actions = [...epochs].map(([appId, epoch]) => ({ txn: this.#txn(appId, epoch) }));
      return { step: 'claim', operation: 'WINDROW CLAIM', info: { sink: this.#sink }, actions };
    });
    const positions = partitions.map((of) => positionOf(this.#log.txns, this.#sink, of));
    await this.#intents.sweep(this.#log);
    return { version, positions, epochs };
  }

  /**
   * Checks that the claim is still valid. A sink without events to commit calls it, to notice that the ledger was reset.
   * @throws WindrowError LEDGER_LOST naming the partitions; S3_FAILED
   */
  async assertHeld(claim: Claim): Promise<void> {
    await this.#log.refresh();
    this.#assertHeld(claim, []);
  }

  /** Deletes the files that crashes have left, as `claim` does it: for a sink that owns its partitions for a long time. */
  async sweep(): Promise<{ unnamedFiles: number; intents: number }> {
    await this.#log.refresh();
    return this.#intents.sweep(this.#log);
  }

  /**
   * Writes the intent, then the files, several at once. When a file fails, the uploaded ones are deleted. The caller may upload
   * again under the same claim.
   * @throws WindrowError S3_FAILED, ENCODE_FAILED
   */
  async upload(claim: Claim, files: readonly PlannedFile[]): Promise<Upload> {
    const by = { epochs: claim.epochs, sinceVersion: this.#log.version, dataChange: true };
    return { claim, ...(await this.#uploads.upload(files, by)) };
  }

  /**
   * Commits the files and the offset ranges of their rows as one version. Ranges without rows only advance the positions.
   * @throws WindrowError LEDGER_LOST naming the partitions that have another owner or another position; the uploaded files are
   * then deleted. S3_FAILED or LAKE_CONFLICT, retriable: the outcome is unknown, and the uploaded files are kept.
   */
  async commit(upload: Upload, ranges: readonly LedgerRange[]): Promise<Committed> {
    let appended: { version: number; conflicts: number };
    try {
      appended = await this.#log.append(() => {
        this.#assertHeld(upload.claim, ranges);
        return {
          step: 'commit',
          operation: 'WRITE',
          info: {
            operationParameters: { mode: 'Append' },
            isBlindAppend: true,
            windrow: { sink: this.#sink, ranges },
          },
          actions: [...this.#advance(ranges), ...upload.adds.map((add) => ({ add }))],
        };
      });
    } catch (error) {
      if (error instanceof WindrowError && error.code === 'LEDGER_LOST') await this.#uploads.discard(upload);
      throw error;
    }
    await failpoint('lake.commit.beforeIntentDelete');
    await this.#uploads.forget(upload);
    return appended;
  }

  /** Writes a checkpoint of the log when one is due. Commits may continue meanwhile. After a failure it stays due. */
  checkpointWhenDue(): Promise<{ checkpointError?: unknown }> {
    return this.#log.checkpointWhenDue();
  }

  #advance(ranges: readonly LedgerRange[]): Action[] {
    return ranges.flatMap((range) => {
      const { rows } = positionOf(this.#log.txns, this.#sink, range);
      return [
        { txn: this.#txn(offsetAppId(this.#sink, range), range.nextOffset) },
        { txn: this.#txn(rowsAppId(this.#sink, range), rows + range.rows) },
      ];
    });
  }

  /**
   * All partitions of the claim must still be owned, not only those with ranges: a newer owner of any of them supersedes the
   * intent, and deletes its files.
   */
  #assertHeld(claim: Claim, ranges: readonly LedgerRange[]): void {
    const lost = lostEpochs(this.#log.txns, claim.epochs);
    for (const range of ranges) {
      const { nextOffset } = positionOf(this.#log.txns, this.#sink, range);
      const claimed = claim.epochs.has(ownerAppId(this.#sink, range));
      if (claimed && nextOffset === range.fromOffset) continue;
      lost.push(
        `${offsetAppId(this.#sink, range)} (${claimed ? '' : 'never claimed; '}at offset ${nextOffset}, ` +
          `micro-batch from ${range.fromOffset})`,
      );
    }
    if (lost.length === 0) return;
    throw new WindrowError(
      'LEDGER_LOST',
      `table ${this.#store.url(this.#log.root)} was committed to by another owner: ${lost.join(', ')}. Claim again.`,
      { retriable: true },
    );
  }

  #txn(appId: string, version: number) {
    return { appId, version, lastUpdated: this.#host.nowMs() };
  }
}
