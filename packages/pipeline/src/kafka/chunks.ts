import type { Message } from 'kafkajs';
import type { OutputRecord, TopicOutput } from '../broker.ts';

/**
 * kafkajs makes one record batch for each partition of a call, however large: so a call is kept below the broker's default
 * `max.message.bytes` (1 MiB).
 */
export const maxCallBytes = 900_000;
/** Bounds a record's framing: varints of length, attributes, deltas and header counts. */
const framingBytes = 40;

/** Cuts outputs into calls, in order. A single record above the limit gets a call of its own: the broker judges it. */
export function* inCalls(outputs: TopicOutput[]): Generator<{ topic: string; messages: Message[] }[]> {
  let call = new Map<string, Message[]>();
  let bytes = 0;
  for (const { topic, records } of outputs) {
    for (const record of records) {
      const size = recordBytes(record);
      if (bytes > 0 && bytes + size > maxCallBytes) {
        yield toTopicMessages(call);
        call = new Map();
        bytes = 0;
      }
      const messages = call.get(topic) ?? [];
      call.set(topic, messages);
      messages.push(toMessage(record));
      bytes += size;
    }
  }
  if (bytes > 0) yield toTopicMessages(call);
}

const toTopicMessages = (call: Map<string, Message[]>) =>
  [...call].map(([topic, messages]) => ({ topic, messages }));

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
