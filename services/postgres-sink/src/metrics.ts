import { counter, histogram, type Registry } from '@windrow/runtime';

export type SinkMetrics = ReturnType<typeof sinkMetrics>;

/** The metrics of a Postgres sink. The labels `sink` and `service` distinguish it from other sinks. */
export function sinkMetrics(registry: Registry) {
  const sink = { sink: 'postgres' } as const;
  const events = counter(registry, {
    name: 'windrow_events_total',
    help: 'Events by outcome: ok (inserted or replaced), duplicate (already stored), deadLetter, skipped (dead-lettered by the enricher, or a deletion), expired (offsets that Kafka deleted before they were read)',
    labels: ['stream', 'outcome'],
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
    buckets: [0, 10, 100, 1_000, 2_500, 5_000, 10_000, 20_000, 50_000, 100_000],
  });
  const bytes = histogram(registry, {
    name: 'windrow_microbatch_bytes',
    help: 'Bytes that a micro-batch sends to Postgres',
    labels: ['sink'],
    buckets: [1e3, 1e4, 1e5, 1e6, 2.5e6, 5e6, 1e7, 2.5e7, 5e7, 1e8],
  });
  const seconds = histogram(registry, {
    name: 'windrow_microbatch_seconds',
    help: 'Duration of the phases of a micro-batch: fill (first record until it is closed), copy, land (merge into the tables), commit',
    labels: ['sink', 'phase'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
  });
  const conflicts = counter(registry, {
    name: 'windrow_ledger_conflicts_total',
    help: 'Micro-batches rolled back because another instance had advanced the ledger',
    labels: ['sink'],
  });
  const retries = counter(registry, {
    name: 'windrow_microbatch_retries_total',
    help: 'Micro-batches retried after a transient failure',
    labels: ['sink'],
  });
  const endToEnd = histogram(registry, {
    name: 'windrow_end_to_end_seconds',
    help: 'Time from acceptance by the producer until the event can be read in Postgres, for the oldest event of each fetched range',
    labels: ['sink'],
    buckets: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 600, 1_800, 3_600, 21_600, 86_400],
  });
  // Series that alerts need start at 0.
  conflicts.inc(sink, 0);
  retries.inc(sink, 0);
  return {
    events,
    deadLetters,
    rows: rows.labels(sink),
    bytes: bytes.labels(sink),
    seconds: (phase: 'fill' | 'copy' | 'land' | 'commit') => seconds.labels({ ...sink, phase }),
    conflicts: conflicts.labels(sink),
    retries: retries.labels(sink),
    endToEnd: endToEnd.labels(sink),
  };
}
