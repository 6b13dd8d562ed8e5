import type { KafkaMessage } from 'kafkajs';
import type { FetchedRange, GroupHandler, InputRecord, RecordBatchHandler } from '../broker.ts';
import { recordBatchesOf, releaseRecordBatches } from './fetched-record-batches.ts';

/** Gives the handler what of kafkajs' messages is in the range, as it wants it. */
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
  const isCut = records[0] !== undefined && records[0].offset < range.firstOffset;
  return handler.batch(
    { ...range, records: isCut ? records.filter(({ offset }) => offset >= range.firstOffset) : records },
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

/** kafkajs gives header values as buffers, or arrays of them where a name comes twice: the last one counts. */
function textHeaders(headers: KafkaMessage['headers']): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers ?? {})) {
    const last = Array.isArray(value) ? value.at(-1) : value;
    if (last !== undefined && last !== null) texts[name] = last.toString();
  }
  return texts;
}
