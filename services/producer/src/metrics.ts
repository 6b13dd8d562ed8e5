import { counter, gauge, histogram, type Registry } from '@windrow/runtime';

export type ProducerMetrics = ReturnType<typeof producerMetrics>;

export function producerMetrics(registry: Registry) {
  return {
    events: counter(registry, {
      name: 'windrow_events_total',
      help: 'Events handled, by outcome: ok (acknowledged by Kafka) or deadLetter',
      labels: ['stream', 'outcome'],
    }),
    deadLetters: counter(registry, {
      name: 'windrow_dead_letters_total',
      help: 'Rejected events, by stage and reason',
      labels: ['stage', 'reason'],
    }),
    notes: counter(registry, {
      name: 'windrow_quality_notes_total',
      help: 'Values of accepted events that the producer replaced by null or marked as doubtful in _quality, by field and reason',
      labels: ['stream', 'field', 'reason'],
    }),
    warnings: counter(registry, {
      name: 'windrow_ingestion_warnings_total',
      help: 'Warnings about messages, by warning and by the source of the write key (none: sent without a key)',
      labels: ['source', 'warning'],
    }),
    requests: counter(registry, {
      name: 'windrow_http_requests_total',
      help: 'HTTP requests by route and status code',
      labels: ['route', 'status'],
    }),
    sendSeconds: histogram(registry, {
      name: 'windrow_kafka_send_seconds',
      help: 'Time from sending a group of records to Kafka until all in-sync replicas have acknowledged it',
      buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30],
    }),
    sendRecords: histogram(registry, {
      name: 'windrow_kafka_send_records',
      help: 'Records per group that is sent to Kafka in one call',
      buckets: [1, 3, 10, 30, 100, 300, 1_000],
    }),
    queuedBytes: gauge(registry, {
      name: 'windrow_kafka_queued_bytes',
      help: 'Bytes of records that Kafka has not acknowledged yet',
    }),
  };
}
