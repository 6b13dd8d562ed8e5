import type { KafkaMessage } from 'kafkajs';
import type { FetchedRange, GroupHandler, InputRecord, RecordBatchHandler } from '../broker.ts';
import { recordBatchesOf, releaseRecordBatches } from './patches/fetched-record-batches.ts';

/** Calls the handler with the messages of the range, in the form that it takes. */
export function deliver(
  handler: GroupHandler | RecordBatchHandler,
  range: FetchedRange,
  messages: KafkaMessage[],
  signal: AbortSignal,
): Promise<void> {
  if ('recordBatches' in handler) {
    const batches = recordBatchesOf(messages)
      .map((batch) => batch.from(range.firstOffset))
      .filter(({ count }) => count > 0);
    return handler.recordBatches({ ...range, batches }, signal).finally(() => releaseRecordBatches(messages));
  }
  const records = messages.map(inputRecord);
  const startsBefore = records[0] !== undefined && records[0].offset < range.firstOffset;
  return handler.batch(
    {
      ...range,
      records: startsBefore ? records.filter(({ offset }) => offset >= range.firstOffset) : records,
    },
    signal,
  );
}

const inputRecord = ({ offset, timestamp, key, value, headers }: KafkaMessage): InputRecord => ({
  offset: Number(offset),
  timestampMs: Number(timestamp),
  key,
  value,
  headers: textHeaders(headers),
});

/** Header values are buffers, or arrays of buffers where a name is repeated: the last one counts. */
function textHeaders(headers: KafkaMessage['headers']): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers ?? {})) {
    const last = Array.isArray(value) ? value.at(-1) : value;
    if (last !== undefined && last !== null) texts[name] = last.toString();
  }
  return texts;
}
