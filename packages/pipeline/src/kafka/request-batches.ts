import type { Message } from 'kafkajs';
import type { OutputRecord, TopicOutput } from '../broker.ts';

/**
 * kafkajs makes one record batch for each partition of a call, however large. So a call stays below the broker's default
 * `max.message.bytes` (1 MiB).
 */
export const maxRequestBytes = 900_000;
/** An upper bound of a record's length, attributes, deltas and header count. */
const framingBytes = 40;

/** Splits outputs into requests, in order. A record above the limit gets a request of its own: the broker accepts or rejects it. */
export function* splitIntoRequests(
  outputs: TopicOutput[],
): Generator<{ topic: string; messages: Message[] }[]> {
  let request = new Map<string, Message[]>();
  let bytes = 0;
  for (const { topic, records } of outputs) {
    for (const record of records) {
      const size = recordBytes(record);
      if (bytes > 0 && bytes + size > maxRequestBytes) {
        yield toTopicMessages(request);
        request = new Map();
        bytes = 0;
      }
      const messages = request.get(topic) ?? [];
      request.set(topic, messages);
      messages.push(toMessage(record));
      bytes += size;
    }
  }
  if (bytes > 0) yield toTopicMessages(request);
}

const toTopicMessages = (request: Map<string, Message[]>) =>
  [...request].map(([topic, messages]) => ({ topic, messages }));

const toMessage = (record: OutputRecord): Message => ({
  key: record.key,
  value: record.value,
  ...(record.headers && { headers: record.headers }),
  ...(record.partition !== undefined && { partition: record.partition }),
});

function recordBytes({ key, value, headers }: OutputRecord): number {
  let bytes = framingBytes + (value?.length ?? 0) + (key === null ? 0 : Buffer.byteLength(key));
  for (const [name, text] of Object.entries(headers ?? {}))
    bytes += Buffer.byteLength(name) + Buffer.byteLength(text) + 4;
  return bytes;
}
