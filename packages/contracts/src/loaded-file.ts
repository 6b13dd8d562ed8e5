import type { AvroRecordSchema } from './avro-record.ts';
import type { TopicSpec } from './contract.ts';

/** How far a file of a directory or a prefix has been loaded into a stream. Never further than what Kafka has acknowledged. */
export interface LoadedFile {
  stream: string;
  /** `file:///…` or `s3://…` */
  url: string;
  size_bytes: number;
  /** Changes with the content: an object's ETag, a file's time of modification. With another one it is another file. */
  version: string;
  /** So many of its records, from its beginning, have been sent or have become dead letters. */
  position: number;
  /** Of these; `rejected` became dead letters. */
  sent: number;
  rejected: number;
  /** Its end was reached. */
  done: boolean;
}

export const loadedFileSchema: AvroRecordSchema = {
  type: 'record',
  name: 'LoadedFile',
  namespace: 'windrow',
  doc: 'How far a file has been loaded into a stream',
  fields: [
    { name: 'stream', type: 'string' },
    { name: 'url', type: 'string' },
    { name: 'size_bytes', type: 'long' },
    { name: 'version', type: 'string', doc: "An object's ETag, a file's time of modification" },
    { name: 'position', type: 'long', doc: 'Records from its beginning that Kafka has acknowledged' },
    { name: 'sent', type: 'long' },
    { name: 'rejected', type: 'long', doc: 'Became dead letters' },
    { name: 'done', type: 'boolean' },
  ],
};

/** Keyed by {@link loadedFileKey}; one partition. A file that is being loaded has a new record every some thousand of its own. */
export const loadTopic: TopicSpec = {
  name: 'loads',
  cleanup: 'compact',
  retentionMs: -1,
  partitions: 1,
};

export function loadedFileKey({ stream, url }: Pick<LoadedFile, 'stream' | 'url'>): string {
  return `${stream} ${url}`;
}
