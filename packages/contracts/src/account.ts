import type { AvroRecordSchema } from './avro/avro-record.ts';
import type { TopicSpec } from './contract.ts';

/**
 * The counts of one range of an input partition. The enricher sends it in the transaction of the range, so the ranges of a
 * partition join without gap or overlap, and
 * `consumed = accepted + duplicates + deletions + sum of dropped + sum of rejected`.
 */
export interface Account {
  stream: string;
  topic: string;
  partition: number;
  /** The range: `first_offset ≤ offset < next_offset`. */
  first_offset: number;
  next_offset: number;
  /** Records in the range, without control records and compacted ones. */
  consumed: number;
  /** Events that passed: written to the enriched topic where the stream has one. */
  accepted: number;
  duplicates: number;
  /** Records without a value in a compacted topic. */
  deletions: number;
  /** Events that a step dropped, by reason. Accounts that older versions wrote have none. */
  dropped: Record<string, number>;
  /** Dead-lettered, by `stage/reason`. */
  rejected: Record<string, number>;
  /** Epoch milliseconds. */
  committed_at: number;
}

export const accountSchema: AvroRecordSchema = {
  type: 'record',
  name: 'Account',
  namespace: 'windrow',
  doc: 'The counts of one range of an input partition',
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
    {
      name: 'dropped',
      type: { type: 'map', values: 'long' },
      default: {},
      doc: 'Dropped by steps, by reason',
    },
    { name: 'committed_at', type: { type: 'long', logicalType: 'timestamp-millis' } },
  ],
};

/** It has one partition, because it is small and the audit reads it in order. It is kept forever, because the audit starts at its beginning. */
export const accountTopic: TopicSpec = {
  name: 'accounts',
  cleanup: 'delete',
  retentionMs: -1,
  partitions: 1,
};

/** The events of an account that were neither accepted nor rejected, by reason. */
export function dropsOf({ duplicates, deletions, dropped }: Account): Map<string, number> {
  const drops = new Map<string, number>();
  const add = (reason: string, count: number) => {
    if (count > 0) drops.set(reason, (drops.get(reason) ?? 0) + count);
  };
  add('duplicate', duplicates);
  add('deletion', deletions);
  for (const [reason, count] of Object.entries(dropped)) add(reason, count);
  return drops;
}
