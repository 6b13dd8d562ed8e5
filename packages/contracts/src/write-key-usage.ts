import type { AvroRecordSchema } from './avro/avro-record.ts';
import type { TopicSpec } from './contract.ts';

/** How many events one instance of the producer has accepted with a key that has a daily quota. The sum over instances counts. */
export interface WriteKeyUsage {
  key_id: string;
  /** A day in UTC: `2026-11-21` */
  day: string;
  /** The random name of a process. */
  instance: string;
  /** On that day so far. */
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

/** The key is write key, day and instance. Instances write every two seconds, and read the topic completely when they start. */
export const writeKeyUsageTopic: TopicSpec = {
  name: 'write-key-usage',
  cleanup: 'compact,delete',
  retentionMs: 2 * 86_400_000,
  compactWithinMs: 10 * 60_000,
  partitions: 1,
};
