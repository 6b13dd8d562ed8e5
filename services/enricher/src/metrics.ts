import { counter, gauge, histogram, type Registry } from '@windrow/runtime';

/** What the enricher shows of itself; `service` is a default label of the registry. */
export function enricherMetrics(registry: Registry) {
  return {
    events: counter(registry, {
      name: 'windrow_events_total',
      help: 'Events handled: ok went on, drop is a duplicate or a deletion, deadLetter could not go on',
      labels: ['stream', 'outcome'],
    }),
    drops: counter(registry, {
      name: 'windrow_drops_total',
      help: 'Events that the enricher dropped, by reason: duplicate, deletion, or the reason of a step',
      labels: ['stream', 'reason'],
    }),
    deadLetters: counter(registry, {
      name: 'windrow_dead_letters_total',
      help: 'Events that became dead letters, by where and why',
      labels: ['stage', 'reason'],
    }),
    matches: counter(registry, {
      name: 'windrow_join_matches_total',
      help: 'What events found in the table they are joined with: matched, stale, missing or no_location',
      labels: ['stream', 'join', 'match'],
    }),
    transactionSeconds: histogram(registry, {
      name: 'windrow_transaction_seconds',
      help: 'Time from the beginning of a Kafka transaction to its commit',
      labels: ['stream'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    }),
    dedupeEvictions: counter(registry, {
      name: 'windrow_dedupe_evictions_total',
      help: 'Event ids forgotten before their horizon because there were too many',
      labels: ['stream'],
    }),
  };
}

export type EnricherMetrics = ReturnType<typeof enricherMetrics>;

/** What one stream holds in memory at the moment. */
export interface StreamState {
  stream: string;
  /** Event ids that are remembered, and their memory. */
  ids: number;
  bytes: number;
  /** Null before the first event. Epoch milliseconds. */
  watermarkMs: number | null;
}

/** Shows the state as it is whenever the metrics are read. */
export function showState(
  registry: Registry,
  state: () => StreamState[],
  tableRows: () => { stream: string; rows: number }[],
): void {
  const shown = (name: string, help: string, values: () => { stream: string; value: number | null }[]) =>
    gauge(registry, {
      name,
      help,
      labels: ['stream'],
      collect: (metric) => {
        metric.reset();
        for (const { stream, value } of values()) if (value !== null) metric.set({ stream }, value);
      },
    });
  shown(
    'windrow_watermark_timestamp_seconds',
    'The newest event time of the partition that is furthest behind and not idle, in seconds since the epoch',
    () =>
      state().map(({ stream, watermarkMs }) => ({
        stream,
        value: watermarkMs === null ? null : watermarkMs / 1000,
      })),
  );
  shown('windrow_dedupe_ids', 'Event ids that are remembered to find duplicates', () =>
    state().map(({ stream, ids }) => ({ stream, value: ids })),
  );
  shown('windrow_dedupe_bytes', 'Memory of the remembered event ids', () =>
    state().map(({ stream, bytes }) => ({ stream, value: bytes })),
  );
  shown('windrow_reference_table_rows', 'Rows of a stream that is held in memory to be joined with', () =>
    tableRows().map(({ stream, rows }) => ({ stream, value: rows })),
  );
}
