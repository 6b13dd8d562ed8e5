import type { AvroRecordSchema, TopicSpec } from './contract.ts';

/**
 * What became of one range of an input partition. Sent in the transaction that did it, so the ranges of a partition join
 * without a gap or an overlap, and `consumed = accepted + duplicates + deletions + the sum of rejected`.
 */
export interface Account {
  stream: string;
  topic: string;
  partition: number;
  /** The range: `first_offset ≤ offset < next_offset`. */
  first_offset: number;
  next_offset: number;
  /** Records in the range (control records and compacted ones are not there to be counted). */
  consumed: number;
  /** Passed: written to the enriched topic where the stream has one. */
  accepted: number;
  duplicates: number;
  /** Records without a value in a compacted topic. */
  deletions: number;
  /** Dead-lettered, by `stage/reason`. */
  rejected: Record<string, number>;
  /** Epoch milliseconds. */
  committed_at: number;
}

export const accountSchema: AvroRecordSchema = {
  type: 'record',
  name: 'Account',
  namespace: 'windrow',
  doc: 'What became of one range of an input partition',
  fields: [
    { name: 'stream', type: 'string' },
    { name: 'topic', type: 'string' },
    { name: 'partition', type: 'int' },
    { name: 'first_offset', type: 'long' },
    { name: 'next_offset', type: 'long' },
    { name: 'consumed', type: 'long' },
    { name: 'accepted', type: 'long' },
    { name: 'duplicates', type: 'long' },
    { name: 'deletions', type: 'long', default: 0, doc: 'Records without a value in a compacted topic' },
    { name: 'rejected', type: { type: 'map', values: 'long' }, default: {}, doc: 'By stage/reason' },
    { name: 'committed_at', type: { type: 'long', logicalType: 'timestamp-millis' } },
  ],
};

/** One partition: it is small, and the audit reads it in order. Kept for ever: the audit starts at the beginning. */
export const accountTopic: TopicSpec = {
  name: 'accounts',
  cleanup: 'delete',
  retentionMs: -1,
  partitions: 1,
};
