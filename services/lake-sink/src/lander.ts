import type { Claim, LakeTable, ParquetEncoder, PlannedFile, Upload } from '@windrow/lake';
import type { DeadLetters } from '@windrow/pipeline';
import { failpoint, isRetriable, type Logger, type Readiness, retry, WindrowError } from '@windrow/runtime';
import type { Feed } from './feeds.ts';
import type { SinkMetrics } from './metrics.ts';
import type { MicroBatch } from './micro-batch.ts';

interface LanderOptions {
  feed: Feed;
  table: LakeTable;
  encoder: ParquetEncoder;
  maxWindows: number;
  deadLetters: DeadLetters;
  metrics: SinkMetrics;
  readiness: Readiness;
  log: Logger;
}

/** Takes a micro-batch into its table: dead letters first, then the files, then the commit that makes them and the offsets one. */
export class Lander {
  readonly #options: LanderOptions;
  /** Never rejects. */
  #checkpointing: Promise<void> | undefined;

  constructor(options: LanderOptions) {
    this.#options = options;
  }

  /**
   * While Kafka or S3 is away it tries on, until the signal.
   * @throws the signal's reason, with nothing committed; what `LakeTable.commit` throws, and KAFKA_FENCED: then claim
   * again; any error that trying on doesn't help
   */
  async land(batch: MicroBatch, claim: Claim, signal: AbortSignal): Promise<void> {
    const { feed, table, deadLetters, metrics, log } = this.#options;
    if (batch.refused.length > 0) {
      await failpoint('lake.deadLetters.beforeSend');
      await this.#patiently(() => deadLetters.send(feed, batch.refused, signal), signal);
      await failpoint('lake.deadLetters.afterSend');
    }
    const startedMs = performance.now();
    const upload = await this.#patiently(() => table.upload(claim, this.#files(batch)), signal);
    const uploadedMs = performance.now();
    signal.throwIfAborted();
    try {
      const { version, conflicts } = await table.commit(upload, batch.ranges());
      metrics.versionConflicts.inc(conflicts);
      log.info(
        { table: feed.table, version, rows: batch.rows, files: upload.adds.length, ranges: batch.ranges() },
        'committed',
      );
    } catch (error) {
      if (error instanceof WindrowError && error.code === 'LEDGER_LOST') metrics.conflicts.inc();
      throw error;
    }
    metrics.seconds('upload').observe((uploadedMs - startedMs) / 1000);
    metrics.seconds('commit').observe((performance.now() - uploadedMs) / 1000);
    this.#count(batch, upload);
    this.#checkpointing ??= this.#checkpoint().finally(() => {
      this.#checkpointing = undefined;
    });
  }

  /** Fulfilled when nothing is under way that nobody waits for. */
  async idle(): Promise<void> {
    await this.#checkpointing;
  }

  /** The next micro-batch need not wait for it: with many files in the table it takes longer than a commit. */
  async #checkpoint(): Promise<void> {
    const { feed, table, log } = this.#options;
    const { checkpointError } = await table.checkpointWhenDue();
    if (checkpointError)
      log.warn({ table: feed.table, err: checkpointError }, 'no checkpoint written; later');
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

  #patiently<T>(call: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const { feed, readiness, metrics, log } = this.#options;
    const condition = `landing in ${feed.table}`;
    return retry(call, {
      signal,
      // Another process has taken a partition over: whether it is still ours, the ledger knows.
      retriable: (error) => isRetriable(error) && !isFenced(error),
      onRetry: ({ error, delayMs }) => {
        metrics.retries.inc();
        readiness.unmet(condition, error instanceof Error ? error.message : String(error));
        log.warn({ table: feed.table, err: error, delayMs }, 'trying to land again');
      },
    }).finally(() => readiness.met(condition));
  }

  #count(batch: MicroBatch, upload: Upload): void {
    const { feed, metrics } = this.#options;
    const of = { stream: feed.stream, table: feed.table };
    metrics.events.inc({ ...of, outcome: 'ok' }, batch.rows);
    metrics.events.inc({ ...of, outcome: 'skipped' }, batch.skipped);
    metrics.events.inc({ ...of, outcome: 'deadLetter' }, batch.refused.length);
    for (const { stage, reason } of batch.refused) metrics.deadLetters.inc({ stage, reason });
    metrics.rows.observe(batch.rows);
    metrics.files.observe(upload.adds.length);
    metrics.bytes.observe(upload.adds.reduce((sum, add) => sum + add.size, 0));
    const nowMs = Date.now();
    for (const acceptedMs of batch.acceptedMs)
      metrics.endToEnd.observe(Math.max(0, nowMs - acceptedMs) / 1000);
  }
}

const isFenced = (error: unknown): boolean => error instanceof WindrowError && error.code === 'KAFKA_FENCED';
