import type { TopicPartition } from '@windrow/contracts';
import { failpoint, WindrowError } from '@windrow/runtime';
import type { Action } from '../delta/actions.ts';
import type { DeltaLog } from '../delta/delta-log.ts';
import { openOrCreate } from '../delta/table-creation.ts';
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
  schema: TableSchema;
  partitionColumns?: readonly TableColumn[];
  /** Whose ledger it is, e.g. `lake`. */
  sink: string;
  host?: Host;
}

/** The right to commit to some partitions until somebody else claims one of them. */
export interface Claim {
  readonly version: number;
  /** Where each claimed partition goes on. */
  readonly positions: readonly LedgerPosition[];
  /** Owner app id → epoch. */
  readonly epochs: ReadonlyMap<string, number>;
}

/** Files that lie in the bucket and that no commit names yet. */
export interface Upload extends UploadedFiles {
  readonly claim: Claim;
}

export interface Committed {
  readonly version: number;
  /** How often another writer was first. */
  readonly conflicts: number;
}

/**
 * A Delta table that is also the ledger of its sink: offsets are committed in the same atomic write as the files they
 * made. The protocol is the one that `model/ledger_model.py` checks (docs/DESIGN.md, "Lake"). For each assignment: `claim`;
 * then, for each micro-batch: `upload`, `commit`. After **any** error of `commit`, claim again before anything else: it may
 * have landed, and the claim's positions say so.
 */
export class LakeTable {
  readonly #store: ObjectStore;
  readonly #log: DeltaLog;
  readonly #intents: Intents;
  readonly #uploads: Uploads;
  readonly #sink: string;
  readonly #host: Host;

  private constructor(store: ObjectStore, log: DeltaLog, sink: string, host: Host) {
    this.#store = store;
    this.#log = log;
    this.#sink = sink;
    this.#host = host;
    this.#intents = new Intents(store, log.root, host);
    this.#uploads = new Uploads(store, log.root, this.#intents, host);
  }

  /**
   * Opens the table; creates it when there is none, and adds columns that it lacks. Any number of processes may do so at once.
   * @throws WindrowError SCHEMA_INCOMPATIBLE, LAKE_LOG_INVALID, S3_FAILED
   */
  static async open(store: ObjectStore, options: LakeTableOptions): Promise<LakeTable> {
    const { path: root, schema, sink, partitionColumns = [datePartition], host = systemHost } = options;
    const log = await openOrCreate({ store, root, schema, partitionColumns, host });
    return new LakeTable(store, log, sink, host);
  }

  /** Where every partition of the sink stands, as of the log's end; claims nothing. */
  async positions(): Promise<LedgerPosition[]> {
    await this.#log.refresh();
    return allPositions(this.#log.txns, this.#sink);
  }

  /**
   * Becomes the owner of the partitions: every micro-batch that a former owner has under way can't be committed from now on,
   * and the files it has uploaded are removed.
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
   * Whether the claim still stands: for a sink that has nothing to commit, and wouldn't see that the ledger was set back.
   * @throws WindrowError LEDGER_LOST naming the partitions; S3_FAILED
   */
  async assertHeld(claim: Claim): Promise<void> {
    await this.#log.refresh();
    this.#assertHeld(claim, []);
  }

  /** What `claim` does about what crashes have left, for a sink that owns its partitions for long. */
  async sweep(): Promise<{ unnamedFiles: number; intents: number }> {
    await this.#log.refresh();
    return this.#intents.sweep(this.#log);
  }

  /**
   * Writes the intent and then the files, a few at a time. When one fails, what was uploaded is deleted again; uploading anew
   * under the same claim is fine.
   * @throws WindrowError S3_FAILED, ENCODE_FAILED
   */
  async upload(claim: Claim, files: readonly PlannedFile[]): Promise<Upload> {
    const by = { epochs: claim.epochs, sinceVersion: this.#log.version, dataChange: true };
    return { claim, ...(await this.#uploads.upload(files, by)) };
  }

  /**
   * Commits the files and the ranges they were made of, as one version. Ranges without rows move positions on only.
   * @throws WindrowError LEDGER_LOST naming the partitions, when one has another owner or another position by now: the
   * upload has been deleted then. S3_FAILED or LAKE_CONFLICT, retriable: not known whether it has landed; the upload is kept.
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

  /** Writes a checkpoint of the log when one is due; commits may go on meanwhile. Its failure breaks nothing: it stays due. */
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
   * The whole claim must stand, not only the partitions that have ranges: with any newer owner among them the intent is
   * superseded, and its files are deleted.
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
      `table ${this.#store.url(this.#log.root)} has gone on without this sink: ${lost.join(', ')}. Claim again.`,
      { retriable: true },
    );
  }

  #txn(appId: string, version: number) {
    return { appId, version, lastUpdated: this.#host.nowMs() };
  }
}
