import type { AvroRecordSchema } from './avro/avro-record.ts';
import type { TopicSpec } from './contract.ts';

/** How much of a file of a directory or prefix has been loaded into a stream. It counts only what Kafka has acknowledged. */
export interface LoadedFile {
  stream: string;
  /** `file:///…` or `s3://…` */
  url: string;
  size_bytes: number;
  /** Changes with the content: an object's ETag, or a file's size and time of modification. Another version is loaded from its start. */
  version: string;
  /** How many records from its beginning were sent or became dead letters. */
  position: number;
  /** How many of these were sent; `rejected` became dead letters. */
  sent: number;
  rejected: number;
  /** The end of the file was reached. */
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

/** The key is {@link loadedFileKey}. While a file is loaded, a record is written every 10,000 of its records. */
export const loadTopic: TopicSpec = {
  name: 'loads',
  cleanup: 'compact',
  retentionMs: -1,
  partitions: 1,
};

export function loadedFileKey({ stream, url }: Pick<LoadedFile, 'stream' | 'url'>): string {
  return `${stream} ${url}`;
}
