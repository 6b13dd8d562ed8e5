import { hash, randomBytes } from 'node:crypto';
import type { AvroRecordSchema } from './avro-record.ts';
import type { TopicSpec } from './contract.ts';

/** What is known of a write key. The key itself is known to whoever it was given to, and to nobody else. */
export interface WriteKey {
  id: string;
  /** Who sends with it: the label of its warnings. */
  source: string;
  /** The first characters of the key, to recognise it by. */
  prefix: string;
  /** SHA-256 of the key. */
  sha256: Buffer;
  /** The only streams that it may send to; null: all of them. */
  streams: string[] | null;
  events_per_second: number | null;
  /** Of a day of UTC. */
  events_per_day: number | null;
  /** Epoch milliseconds. */
  created_at: number;
  /** Since when it is refused, epoch milliseconds. */
  revoked_at: number | null;
}

const nullable = (type: unknown) => ['null', type];

export const writeKeySchema: AvroRecordSchema = {
  type: 'record',
  name: 'WriteKey',
  namespace: 'windrow',
  doc: 'What a source may send over HTTP; the key itself is not in it',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'source', type: 'string', doc: 'Who sends with it' },
    { name: 'prefix', type: 'string', doc: 'The first characters of the key' },
    { name: 'sha256', type: 'bytes', doc: 'SHA-256 of the key' },
    {
      name: 'streams',
      type: nullable({ type: 'array', items: 'string' }),
      default: null,
      doc: 'null: all of them',
    },
    { name: 'events_per_second', type: nullable('double'), default: null },
    { name: 'events_per_day', type: nullable('long'), default: null, doc: 'Of a day of UTC' },
    { name: 'created_at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'revoked_at', type: nullable({ type: 'long', logicalType: 'timestamp-millis' }), default: null },
  ],
};

/** Keyed by the write key's id; one partition: it is small. */
export const writeKeyTopic: TopicSpec = {
  name: 'write-keys',
  cleanup: 'compact',
  retentionMs: -1,
  partitions: 1,
};

const keyBytes = 32;
const prefixLength = 6;

/** A new key: 32 random bytes as 43 characters of base64url. */
export function randomWriteKey(): string {
  return randomBytes(keyBytes).toString('base64url');
}

/** SHA-256 of a key. A slow hash would add nothing: docs/decisions/write-keys.md. */
export function digestOf(key: string): Buffer {
  return hash('sha256', key, 'buffer');
}

export function prefixOf(key: string): string {
  return key.slice(0, prefixLength);
}
