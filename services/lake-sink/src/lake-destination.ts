import { partitionName } from '@windrow/contracts';
import {
  ColumnBuffers,
  type Claim as HeldClaim,
  type LakeTable,
  type ParquetEncoder,
  type PlannedFile,
  type Upload,
} from '@windrow/lake';
import type { FetchedRecordBatches, Watermark } from '@windrow/pipeline';
import { failpoint, type Logger } from '@windrow/runtime';
import type { Claim, Decode, Destination, Landing } from '@windrow/sink';
import type { ClaimChecks } from './claim-checks.ts';
import { columnRecords } from './column-records.ts';
import type { Compaction } from './compaction.ts';
import type { Feed } from './feeds.ts';
import type { SinkMetrics } from './metrics.ts';
import { MicroBatch } from './micro-batch.ts';

export interface LakeClaim extends Claim {
  readonly held: HeldClaim;
}

interface LakeDestinationOptions {
  feed: Feed;
  table: LakeTable;
  encoder: ParquetEncoder;
  maxWindows: number;
  /** The watermark of the feed's stream. */
  watermark: Watermark;
  claimChecks: ClaimChecks;
  compaction: Compaction | undefined;
  metrics: SinkMetrics;
  log: Logger;
}

/** A Delta table. Each micro-batch is uploaded as files, which one commit adds together with the new offsets. */
export class LakeDestination implements Destination<MicroBatch, LakeClaim, FetchedRecordBatches> {
  readonly howToReset = 'give the stream another table, or delete this one';
  readonly #options: LakeDestinationOptions;
  /** The buffers of a committed micro-batch, which the next one uses again. The garbage collector would free them late. */
  #spare: ColumnBuffers | undefined;
  /** Never rejects. */
  #checkpointing: Promise<void> | undefined;

  constructor(options: LakeDestinationOptions) {
    this.#options = options;
  }

  get stream(): string {
    return this.#options.feed.stream;
  }

  get topic(): string {
    return this.#options.feed.topic;
  }

  get table(): string {
    return this.#options.feed.table;
  }

  async claim(partitions: readonly number[], retained: ReadonlyMap<number, number>): Promise<LakeClaim> {
    const { feed, table, watermark, claimChecks, compaction } = this.#options;
    const { topic } = feed;
    const held = await table.claim(partitions.map((partition) => ({ topic, partition })));
    for (const partition of retained.keys())
      if (!partitions.includes(partition)) watermark.forget(partitionName({ topic, partition }));
    claimChecks.watch(table, feed, held);
    compaction?.elect(feed, held);
    const positions = held.positions.map(({ partition, nextOffset, rows }) => ({
      ...{ partition, nextOffset },
      isNew: nextOffset === 0 && rows === 0,
    }));
    return { held, positions };
  }

  /** Stops the checks of claims that are about to be replaced. They would look lost. */
  revoke(): void {
    this.#options.claimChecks.forget();
  }

  newBatch(): MicroBatch {
    const { feed } = this.#options;
    const buffers = this.#spare ?? new ColumnBuffers(feed.schema);
    this.#spare = undefined;
    return new MicroBatch(feed, buffers);
  }

  decode(fetched: FetchedRecordBatches): Iterable<Decode<MicroBatch>> {
    return columnRecords(this.#options.feed, fetched);
  }

  release({ buffers }: MicroBatch): void {
    buffers.clear();
    this.#spare ??= buffers;
  }

  trim(): void {
    this.#spare = undefined;
  }

  onExpired(offsets: number): void {
    const { stream, table } = this;
    this.#options.metrics.events.inc({ stream, table, outcome: 'expired' }, offsets);
  }

  /**
   * Sends the dead letters, uploads the files, and then commits. A failed commit is not retried here, because it may have
   * succeeded. The next claim finds out.
   */
  async land(
    batch: MicroBatch,
    { claim, ranges, signal, retry, sendDeadLetters }: Landing<LakeClaim>,
  ): Promise<void> {
    const { feed, table, metrics, watermark, log } = this.#options;
    if (batch.rejected.length > 0) {
      await failpoint('lake.deadLetters.beforeSend');
      await retry(() => sendDeadLetters(batch.rejected));
      await failpoint('lake.deadLetters.afterSend');
    }
    const startedMs = performance.now();
    const upload = await retry(() => table.upload(claim.held, this.#files(batch)));
    const uploadedMs = performance.now();
    signal.throwIfAborted();
    const ledgerRanges = batch.ledgerRanges(ranges);
    const { version, conflicts } = await table.commit(upload, ledgerRanges);
    metrics.versionConflicts.inc(conflicts);
    log.info(
      {
        ...{ table: feed.table, version, rows: batch.rowCount },
        ...{ files: upload.adds.length, ranges: ledgerRanges },
      },
      'committed',
    );
    metrics.seconds('upload').observe((uploadedMs - startedMs) / 1000);
    metrics.seconds('commit').observe((performance.now() - uploadedMs) / 1000);
    this.#count(batch, upload);
    const { topic } = feed;
    for (const [partition, timeMs] of batch.newestMs)
      watermark.note(partitionName({ topic, partition }), timeMs);
    this.#checkpointing ??= this.#checkpoint().finally(() => {
      this.#checkpointing = undefined;
    });
  }

  /** Waits for a running checkpoint. */
  async close(): Promise<void> {
    await this.#checkpointing;
  }

  /** The next micro-batch does not wait for a checkpoint, which takes longer than a commit when the table has many files. */
  async #checkpoint(): Promise<void> {
    const { feed, table, log } = this.#options;
    const { checkpointError } = await table.checkpointWhenDue();
    if (checkpointError)
      log.warn({ table: feed.table, err: checkpointError }, 'cannot write the checkpoint; will retry');
  }

  #files(batch: MicroBatch): PlannedFile[] {
    const { encoder, maxWindows, metrics } = this.#options;
    return batch.files(encoder, maxWindows).map((file) => ({
      ...file,
      encode: async () => {
        const end = metrics.seconds('encode').startTimer();
        const encoded = await file.encode();
        end();
        return encoded;
      },
    }));
  }

  #count(batch: MicroBatch, upload: Upload): void {
    const { feed, metrics } = this.#options;
    const of = { stream: feed.stream, table: feed.table };
    metrics.events.inc({ ...of, outcome: 'ok' }, batch.rowCount);
    metrics.events.inc({ ...of, outcome: 'skipped' }, batch.skipped);
    metrics.events.inc({ ...of, outcome: 'deadLetter' }, batch.rejected.length);
    for (const { stage, reason } of batch.rejected) metrics.deadLetters.inc({ stage, reason });
    metrics.rows.observe(batch.rowCount);
    metrics.files.observe(upload.adds.length);
    metrics.bytes.observe(upload.adds.reduce((sum, add) => sum + add.size, 0));
    const nowMs = Date.now();
    for (const acceptedMs of batch.acceptedMs)
      metrics.endToEnd.observe(Math.max(0, nowMs - acceptedMs) / 1000);
  }
}
