import type { AvroRecordSchema } from './avro-record.ts';
import type { TopicSpec } from './contract.ts';

/** What one instance of the producer has let pass on a key with a daily quota. All instances' records add up. */
export interface WriteKeyUsage {
  key_id: string;
  /** Of UTC: `2026-11-21` */
  day: string;
  /** A name that the process has given itself. */
  instance: string;
  /** Of that day so far. */
  events: number;
}

export const writeKeyUsageSchema: AvroRecordSchema = {
  type: 'record',
  name: 'WriteKeyUsage',
  namespace: 'windrow',
  doc: 'What one instance of the producer has let pass on a write key in a day',
  fields: [
    { name: 'key_id', type: 'string' },
    { name: 'day', type: 'string', doc: 'Of UTC' },
    { name: 'instance', type: 'string' },
    { name: 'events', type: 'long', doc: 'Of that day so far' },
  ],
};

/** Keyed by key, day and instance. Instances write every other second and read all of it when they start. */
export const writeKeyUsageTopic: TopicSpec = {
  name: 'write-key-usage',
  cleanup: 'compact,delete',
  retentionMs: 2 * 86_400_000,
  compactWithinMs: 10 * 60_000,
  partitions: 1,
};
