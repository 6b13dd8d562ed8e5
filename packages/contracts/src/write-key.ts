import { hash, randomBytes } from 'node:crypto';
import type { AvroRecordSchema } from './avro/avro-record.ts';
import type { TopicSpec } from './contract.ts';

/** The record of a write key. Windrow does not store the key itself. */
export interface WriteKey {
  id: string;
  /** The name of the sender: the label of its ingestion warnings. */
  source: string;
  /** The first characters of the key, for people to recognise it. */
  prefix: string;
  /** SHA-256 of the key. */
  sha256: Buffer;
  /** The streams that it may send to; null: all streams. */
  streams: string[] | null;
  events_per_second: number | null;
  /** For a day in UTC. */
  events_per_day: number | null;
  /** Epoch milliseconds. */
  created_at: number;
  /** When it was revoked, epoch milliseconds. */
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

/** The key is the id of the write key. It has one partition, because it is small. */
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

/** SHA-256 of a key. A slow hash would add no security: docs/decisions/write-keys.md. */
export function digestOf(key: string): Buffer {
  return hash('sha256', key, 'buffer');
}

export function prefixOf(key: string): string {
  return key.slice(0, prefixLength);
}
