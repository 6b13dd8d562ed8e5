import { counter, gauge, histogram, type Registry } from '@windrow/runtime';

/** The metrics of the enricher. `service` is a default label of the registry. */
export function enricherMetrics(registry: Registry) {
  return {
    events: counter(registry, {
      name: 'windrow_events_total',
      help: 'Events processed, by outcome: ok (accepted), drop (skipped), deadLetter (rejected)',
      labels: ['stream', 'outcome'],
    }),
    drops: counter(registry, {
      name: 'windrow_drops_total',
      help: 'Events that the enricher dropped, by reason: duplicate, deletion, or the reason of a step',
      labels: ['stream', 'reason'],
    }),
    deadLetters: counter(registry, {
      name: 'windrow_dead_letters_total',
      help: 'Rejected events, by stage and reason',
      labels: ['stage', 'reason'],
    }),
    notes: counter(registry, {
      name: 'windrow_quality_notes_total',
      help: 'Values of accepted events that the enricher replaced by null or marked as doubtful in _quality, by field and reason',
      labels: ['stream', 'field', 'reason'],
    }),
    misplaced: counter(registry, {
      name: 'windrow_misplaced_events_total',
      help: "Events in another partition than Kafka's default partitioner (murmur2) gives for their key; their duplicates in other partitions are not found",
      labels: ['stream'],
    }),
    matches: counter(registry, {
      name: 'windrow_join_matches_total',
      help: 'Results of as-of joins: matched, stale, missing or no_location',
      labels: ['stream', 'join', 'match'],
    }),
    transactionSeconds: histogram(registry, {
      name: 'windrow_transaction_seconds',
      help: 'Time from the start of a Kafka transaction to its commit',
      labels: ['stream'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    }),
    dedupeEvictions: counter(registry, {
      name: 'windrow_dedupe_evictions_total',
      help: 'Event ids evicted before the deduplication horizon because DEDUPE_IDS_PER_PARTITION was reached',
      labels: ['stream'],
    }),
  };
}

export type EnricherMetrics = ReturnType<typeof enricherMetrics>;

/** The state of one stream in memory. */
export interface StreamState {
  stream: string;
  /** The number of event ids for deduplication, and their memory. */
  ids: number;
  bytes: number;
  /** Null before the first event. Epoch milliseconds. */
  watermarkMs: number | null;
}

/** Adds gauges that read the state when the metrics are scraped. */
export function showState(
  registry: Registry,
  state: () => StreamState[],
  tableRows: () => { stream: string; rows: number }[],
): void {
  const gaugeByStream = (
    name: string,
    help: string,
    values: () => { stream: string; value: number | null }[],
  ) =>
    gauge(registry, {
      name,
      help,
      labels: ['stream'],
      collect: (metric) => {
        metric.reset();
        for (const { stream, value } of values()) if (value !== null) metric.set({ stream }, value);
      },
    });
  gaugeByStream(
    'windrow_watermark_timestamp_seconds',
    'The newest event time of the partition that is furthest behind and not idle, in seconds since the epoch',
    () =>
      state().map(({ stream, watermarkMs }) => ({
        stream,
        value: watermarkMs === null ? null : watermarkMs / 1000,
      })),
  );
  gaugeByStream('windrow_dedupe_ids', 'Event ids in memory for deduplication', () =>
    state().map(({ stream, ids }) => ({ stream, value: ids })),
  );
  gaugeByStream('windrow_dedupe_bytes', 'Memory of the event ids for deduplication', () =>
    state().map(({ stream, bytes }) => ({ stream, value: bytes })),
  );
  gaugeByStream(
    'windrow_reference_table_rows',
    'Rows in memory of a stream that is the table of a join',
    () => tableRows().map(({ stream, rows }) => ({ stream, value: rows })),
  );
}
