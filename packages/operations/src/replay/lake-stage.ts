import type { EventRecord } from '@windrow/contracts';
import {
  appendRecord,
  ColumnBuffers,
  type Epochs,
  type Int64Column,
  ledgerColumns,
  type ParquetEncoder,
  plannedFiles,
  type TableReplacement,
  type TableSchema,
  type UploadedFiles,
} from '@windrow/lake';
import type { Accepted } from './accepted-events.ts';

/** What becomes one upload: about 60 MB in memory. */
const maxRows = 131_072;
const maxBytes = 48 * 2 ** 20;
/** As the lake sink's default. */
const maxWindows = 12;

interface LakeStageOptions {
  replacement: TableReplacement;
  epochs: Epochs;
  schema: TableSchema;
  eventTime: string;
  /** The topic that rows say they come from: those of a replay as those of the sink. */
  topic: string;
  encoder: ParquetEncoder;
}

/** Makes files of the new rows, which lie in the bucket until a commit names them. */
export class LakeStage {
  /** Partition → rows. */
  readonly added = new Map<number, number>();
  readonly uploads: UploadedFiles[] = [];
  readonly #options: LakeStageOptions;
  readonly #buffers: ColumnBuffers;

  constructor(options: LakeStageOptions) {
    this.#options = options;
    this.#buffers = new ColumnBuffers(options.schema);
  }

  async append(
    partition: number,
    record: EventRecord,
    { landedOffset, ingestedAtMs }: Accepted,
  ): Promise<void> {
    appendRecord(this.#buffers, record);
    const [topics, partitions, offsets, ingested] = this.#buffers.columns.slice(-ledgerColumns.length);
    if (topics?.kind !== 'bytes' || partitions?.kind !== 'int32') throw new TypeError('no ledger columns');
    if (offsets?.kind !== 'int64' || ingested?.kind !== 'int64') throw new TypeError('no ledger columns');
    topics.append(this.#options.topic);
    partitions.append(partition);
    offsets.append(landedOffset);
    ingested.append(ingestedAtMs);
    this.added.set(partition, (this.added.get(partition) ?? 0) + 1);
    if (this.#buffers.rowCount >= maxRows || this.#buffers.usedBytes >= maxBytes) await this.flush();
  }

  /** Uploads what is held. @throws WindrowError S3_FAILED, ENCODE_FAILED */
  async flush(): Promise<void> {
    if (this.#buffers.rowCount === 0) return;
    const { replacement, epochs, schema, eventTime, encoder } = this.#options;
    const times = this.#buffers.columns[schema.columns.findIndex(({ name }) => name === eventTime)];
    const files = plannedFiles(this.#buffers, times as Int64Column, encoder, maxWindows);
    this.uploads.push(await replacement.upload(files, epochs));
    this.#buffers.clear();
  }
}
