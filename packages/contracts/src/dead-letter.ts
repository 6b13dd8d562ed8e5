import type { AvroRecordSchema } from './avro/avro-record.ts';
import type { TopicSpec } from './contract.ts';

/** The stage that rejected an event. */
export type DeadLetterStage =
  | 'load'
  | 'http'
  | 'decode'
  | 'rules'
  | 'join'
  | 'step'
  | 'encode'
  | 'lake'
  | 'postgres'
  /** The event was accepted, and a replay with later rules or steps rejected it. */
  | 'replay';

/** A rejected event, with everything that is needed to find the cause and to send the event again. */
export interface DeadLetter {
  stage: DeadLetterStage;
  /** Short stable code from a small set: it is a metric's label. */
  reason: string;
  /** For people. */
  message: string;
  stream: string | null;
  /** Where the event was read; null if it never reached Kafka. */
  topic: string | null;
  partition: number | null;
  offset: number | null;
  key: Buffer | null;
  /** The bytes of the event as they were received. */
  value: Buffer | null;
  headers: Record<string, string>;
  schema_id: number | null;
  /** Epoch milliseconds. */
  failed_at: number;
  attempts: number;
  service: string;
  version: string;
}

const nullable = (type: unknown) => ['null', type];

export const deadLetterSchema: AvroRecordSchema = {
  type: 'record',
  name: 'DeadLetter',
  namespace: 'windrow',
  doc: 'An event that could not go on, with its raw bytes',
  fields: [
    { name: 'stage', type: 'string', doc: 'Where on its way it failed' },
    { name: 'reason', type: 'string', doc: 'Short stable code' },
    { name: 'message', type: 'string', doc: 'What is wrong, for people' },
    { name: 'stream', type: nullable('string'), default: null },
    { name: 'topic', type: nullable('string'), default: null, doc: 'Where it was read' },
    { name: 'partition', type: nullable('int'), default: null },
    { name: 'offset', type: nullable('long'), default: null },
    { name: 'key', type: nullable('bytes'), default: null },
    { name: 'value', type: nullable('bytes'), default: null, doc: 'The raw bytes as they came' },
    { name: 'headers', type: { type: 'map', values: 'string' }, default: {} },
    { name: 'schema_id', type: nullable('int'), default: null },
    { name: 'failed_at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'attempts', type: 'int', default: 1 },
    { name: 'service', type: 'string' },
    { name: 'version', type: 'string' },
  ],
};

const day = 86_400_000;
export const deadLetterTopic: TopicSpec = { name: 'dead-letter', cleanup: 'delete', retentionMs: 30 * day };
/** Path of the lake table, below the bucket. */
export const deadLetterTable = 'rejected/dead_letter';
