import { landedSchema } from '@windrow/contracts';
import {
  appendRecord,
  ColumnBuffers,
  createEncoder,
  type Epochs,
  type FileStats,
  type Int64Column,
  ledgerColumns,
  type ObjectStore,
  plannedFiles,
  TableReplacement,
  type TableSchema,
  tableSchemaFromAvro,
  type UploadedFiles,
} from '@windrow/lake';
import { retry, WindrowError } from '@windrow/runtime';
import { lakeSink } from '../ledgers.ts';
import { FileBounds } from './lake-scan.ts';
import { OffsetRanges } from './offset-ranges.ts';
import type { ReplayRecord, TargetState } from './replay-record.ts';
import type { Publishing, ReplayedRow, ReplayTarget } from './replay-target.ts';
import type { ReplayedStream } from './session.ts';

/** Rows and bytes of one upload: about 60 MB in memory. */
const maxRows = 131_072;
const maxBytes = 48 * 2 ** 20;
/** The default of the lake sink. */
const maxWindows = 12;

/** Stages files in the bucket. No commit names them until one commit publishes all of them. */
export class LakeTarget implements ReplayTarget {
  readonly #stream: ReplayedStream;
  readonly #replacement: TableReplacement;
  readonly #encoder = createEncoder('columnar');
  readonly #schema: TableSchema;
  readonly #buffers: ColumnBuffers;
  /** Partition → rows. */
  readonly #added = new Map<number, number>();
  readonly #uploads: UploadedFiles[] = [];
  #epochs: Epochs | undefined;

  /** @throws WindrowError USAGE when the table does not exist */
  static async open(store: ObjectStore, stream: ReplayedStream): Promise<LakeTarget> {
    const { contract, curatedPath } = stream;
    const replacement = await TableReplacement.open(store, {
      path: curatedPath,
      sink: lakeSink,
      idColumns: contract.id,
      encoder: createEncoder('columnar'),
    });
    if (replacement) return new LakeTarget(stream, replacement);
    throw new WindrowError('USAGE', `${curatedPath} does not exist yet`);
  }

  private constructor(stream: ReplayedStream, replacement: TableReplacement) {
    const { contract, contracts } = stream;
    this.#stream = stream;
    this.#replacement = replacement;
    const schema = tableSchemaFromAvro(landedSchema(contract, contracts));
    this.#schema = { ...replacement.storedSchema(schema), idColumns: contract.id };
    this.#buffers = new ColumnBuffers(this.#schema);
  }

  /** Once another process has claimed the table, the staged files may be gone. */
  async isStaged({ lakeEpoch }: ReplayRecord): Promise<boolean> {
    if (lakeEpoch === null) return false;
    const epochs = this.#replacement.epochsOf(lakeEpoch);
    if ((await this.#replacement.committedVersion(epochs)) !== undefined) return true;
    return this.#replacement.isHeld(epochs);
  }

  async open(): Promise<TargetState> {
    this.#epochs = await this.#replacement.claim();
    return { lakeEpoch: this.#replacement.epochIn(this.#epochs) };
  }

  async append({ partition, record, accepted }: ReplayedRow): Promise<void> {
    appendRecord(this.#buffers, record);
    const [topics, partitions, offsets, ingested] = this.#buffers.columns.slice(-ledgerColumns.length);
    if (topics?.kind !== 'bytes' || partitions?.kind !== 'int32') throw new TypeError('no ledger columns');
    if (offsets?.kind !== 'int64' || ingested?.kind !== 'int64') throw new TypeError('no ledger columns');
    // A replayed row has the position and time of the row that it replaces.
    topics.append(this.#stream.enrichedTopic);
    partitions.append(partition);
    offsets.append(accepted.landedOffset);
    ingested.append(accepted.ingestedAtMs * 1_000);
    this.#added.set(partition, (this.#added.get(partition) ?? 0) + 1);
    if (this.#buffers.rowCount >= maxRows || this.#buffers.usedBytes >= maxBytes) await this.#upload();
  }

  /** Without a new row, the commit removes the old one. */
  async withdraw(): Promise<void> {}

  async finish(): Promise<TargetState> {
    await this.#upload();
    return { lakeStaged: { uploads: this.#uploads, added: [...this.#added] } };
  }

  /** @throws WindrowError S3_FAILED, ENCODE_FAILED */
  async #upload(): Promise<void> {
    if (this.#buffers.rowCount === 0) return;
    if (!this.#epochs) throw new TypeError('the stage is not open');
    const { eventTime } = this.#stream.contract;
    const times = this.#buffers.columns[this.#schema.columns.findIndex(({ name }) => name === eventTime)];
    const files = plannedFiles(this.#buffers, times as Int64Column, this.#encoder, maxWindows);
    this.#uploads.push(await this.#replacement.upload(files, this.#epochs));
    this.#buffers.clear();
  }

  /** Publishes all rows in one commit. */
  async publish(record: ReplayRecord, { signal }: Publishing): Promise<TargetState> {
    const { id, lakeEpoch, lakeStaged, landed } = record;
    if (!lakeStaged || lakeEpoch === null) return {};
    const ranges = OffsetRanges.of(record.ranges);
    const replacement = {
      ...{ id, topic: this.#stream.enrichedTopic, landedUntil: new Map(landed), staged: lakeStaged.uploads },
      added: new Map(lakeStaged.added),
      rows: {
        columns: ['_partition', '_raw_offset'] as const,
        has: (partition: number, offset: number) => ranges.has(partition, offset),
        mayBeIn: (stats: FileStats | undefined) => new FileBounds(stats).mayHoldSome(ranges, '_raw_offset'),
      },
    };
    const epochs = this.#replacement.epochsOf(lakeEpoch);
    const { version } = await retry(() => this.#replacement.commit(replacement, epochs, signal), {
      signal,
      retriable: isRetriableCommit,
    });
    return { lakeVersion: version };
  }

  /** A new claim ends the earlier one, so that it can't commit any more, and deletes its files. */
  async cancel({ lakeEpoch, lakeVersion }: ReplayRecord): Promise<TargetState> {
    if (lakeVersion !== null) return { lakeVersion };
    if (lakeEpoch === null) return {};
    const epochs = this.#replacement.epochsOf(lakeEpoch);
    let version = await this.#replacement.committedVersion(epochs);
    if (version === undefined) {
      await this.#replacement.claim();
      version = await this.#replacement.committedVersion(epochs);
    }
    return version === undefined ? {} : { lakeVersion: version };
  }

  async removeStage(): Promise<void> {}
}

/** A retry can't succeed after another process has taken the claim. */
function isRetriableCommit(error: unknown): boolean {
  return error instanceof WindrowError && error.retriable && error.code !== 'LEDGER_LOST';
}
