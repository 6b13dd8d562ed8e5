import { counter, gauge, histogram, type Registry } from '@windrow/runtime';

export type SinkMetrics = ReturnType<typeof sinkMetrics>;
export type Phase = 'fill' | 'encode' | 'upload' | 'commit';

/** The metrics of the lake sink. The label `sink` distinguishes it from other sinks. */
export function sinkMetrics(registry: Registry) {
  const sink = { sink: 'lake' } as const;
  const events = counter(registry, {
    name: 'windrow_events_total',
    help: 'Events by outcome: ok (committed), deadLetter, skipped (dead-lettered by the enricher, or a deletion), expired (offsets that Kafka deleted before they were read)',
    labels: ['stream', 'table', 'outcome'],
  });
  const deadLetters = counter(registry, {
    name: 'windrow_dead_letters_total',
    help: 'Rejected events, by stage and reason',
    labels: ['stage', 'reason'],
  });
  const rows = histogram(registry, {
    name: 'windrow_microbatch_rows',
    help: 'Rows in a micro-batch',
    labels: ['sink'],
    buckets: [0, 10, 100, 1_000, 5_000, 10_000, 25_000, 50_000, 100_000, 200_000, 500_000, 1_000_000],
  });
  const bytes = histogram(registry, {
    name: 'windrow_microbatch_bytes',
    help: 'Bytes of the files of a micro-batch',
    labels: ['sink'],
    buckets: [0, 1e4, 1e5, 1e6, 2.5e6, 5e6, 1e7, 2.5e7, 5e7, 1e8, 2.5e8],
  });
  const files = histogram(registry, {
    name: 'windrow_microbatch_files',
    help: 'Files of a micro-batch',
    labels: ['sink'],
    buckets: [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512],
  });
  const seconds = histogram(registry, {
    name: 'windrow_microbatch_seconds',
    help: 'Duration of the phases of a micro-batch: fill (first record until it is closed), encode (part of upload), upload, commit',
    labels: ['sink', 'phase'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120],
  });
  const conflicts = counter(registry, {
    name: 'windrow_ledger_conflicts_total',
    help: 'Micro-batches discarded because another instance had advanced the ledger',
    labels: ['sink'],
  });
  const versionConflicts = counter(registry, {
    name: 'windrow_log_version_conflicts_total',
    help: "Commits retried because another writer had taken the log's next version; normal with several instances",
    labels: ['sink'],
  });
  const retries = counter(registry, {
    name: 'windrow_microbatch_retries_total',
    help: 'Micro-batches retried after a transient failure',
    labels: ['sink'],
  });
  const endToEnd = histogram(registry, {
    name: 'windrow_end_to_end_seconds',
    help: 'Time from acceptance by the producer until the event can be read in the lake, for the oldest event of each fetched range',
    labels: ['sink'],
    buckets: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 3_600, 21_600, 86_400],
  });
  const compactions = counter(registry, {
    name: 'windrow_compactions_total',
    help: 'Compactions of the small files of a window, by outcome: ok, overtaken (another process was first), failed',
    labels: ['table', 'outcome'],
  });
  const compactionSeconds = histogram(registry, {
    name: 'windrow_compaction_seconds',
    help: 'Duration of a compaction: read, write, commit',
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
  });
  const vacuumedFiles = counter(registry, {
    name: 'windrow_vacuumed_files_total',
    help: 'Files deleted after their retention: replaced by compaction, or named by no commit',
    labels: ['table'],
  });
  // Series that alerts need start at 0.
  for (const metric of [conflicts, versionConflicts, retries]) metric.inc(sink, 0);
  return {
    events,
    deadLetters,
    rows: rows.labels(sink),
    bytes: bytes.labels(sink),
    files: files.labels(sink),
    seconds: (phase: Phase) => seconds.labels({ ...sink, phase }),
    conflicts: conflicts.labels(sink),
    versionConflicts: versionConflicts.labels(sink),
    retries: retries.labels(sink),
    endToEnd: endToEnd.labels(sink),
    compactions,
    compactionSeconds,
    vacuumedFiles,
  };
}

/** Exports the watermark of each stream and the memory of uncommitted rows, as of each scrape. */
export function showState(
  registry: Registry,
  state: () => { watermarksMs: Map<string, number | null>; heldBytes: number },
): void {
  gauge(registry, {
    name: 'windrow_watermark_timestamp_seconds',
    help: 'The newest committed event time of the partition that is furthest behind and not idle, in seconds since the epoch',
    labels: ['stream'],
    collect: (metric) => {
      metric.reset();
      for (const [stream, timeMs] of state().watermarksMs)
        if (timeMs !== null) metric.set({ stream }, timeMs / 1000);
    },
  });
  gauge(registry, {
    name: 'windrow_sink_buffer_bytes',
    help: 'Estimated memory of rows that are not committed yet',
    collect: (metric) => metric.set(state().heldBytes),
  });
}
