import type { DeadLetter } from '@windrow/contracts';
import type { Outcome } from './decode-and-check.ts';

/** Below the broker's default `max.message.bytes` (1,048,588), with room for the framing. */
export const maxRecordBytes = 1_000_000;
/** The header of a dead letter with a truncated value: the number of bytes before truncation. */
export const truncatedFromHeader = 'truncated_from';

type Unplaced = Pick<
  DeadLetter,
  'stage' | 'reason' | 'message' | 'stream' | 'value' | 'headers' | 'service' | 'version'
>;

/**
 * Builds every dead letter. An event without topic, partition and offset never reached Kafka. A value that is too large for a
 * Kafka record is truncated, as the message and the header `truncated_from` say.
 */
export function createDeadLetter(
  event: Unplaced & Partial<Pick<DeadLetter, 'topic' | 'partition' | 'offset' | 'key' | 'schema_id'>>,
): DeadLetter {
  return withinLimit({
    stage: event.stage,
    reason: event.reason,
    message: event.message,
    stream: event.stream,
    topic: event.topic ?? null,
    partition: event.partition ?? null,
    offset: event.offset ?? null,
    key: event.key ?? null,
    value: event.value,
    headers: event.headers,
    schema_id: event.schema_id ?? null,
    failed_at: Date.now(),
    attempts: 1,
    service: event.service,
    version: event.version,
  });
}

/** The dead letter of a record that was read from a topic. */
export function deadLetterOf(
  { input, stage, reason, message, schemaId }: Extract<Outcome, { kind: 'deadLetter' }>,
  from: Pick<Unplaced, 'service' | 'version'> & { stream: string; topic: string; partition: number },
): DeadLetter {
  const { offset, key, value, headers } = input;
  return createDeadLetter({
    ...{ stage, reason, message, offset, key, value, headers, schema_id: schemaId },
    ...{ stream: from.stream, topic: from.topic, partition: from.partition },
    ...{ service: from.service, version: from.version },
  });
}

/** The bytes of a record, without Kafka's framing. */
export function recordBytes({ key, value, headers }: Pick<DeadLetter, 'key' | 'value' | 'headers'>): number {
  let bytes = (value?.length ?? 0) + (key?.length ?? 0);
  for (const name in headers) bytes += Buffer.byteLength(name) + Buffer.byteLength(headers[name] ?? '');
  return bytes;
}

/**
 * Truncates the value if the broker would reject the record as too large, which would block the partition. Other producers'
 * records can be larger, since they may be compressed. The complete record is at its offset and in the lake's raw table.
 */
function withinLimit(letter: DeadLetter): DeadLetter {
  const valueBytes = letter.value?.length ?? 0;
  const otherBytes = recordBytes({ ...letter, value: null }) + letter.message.length;
  if (otherBytes + valueBytes <= maxRecordBytes) return letter;
  const keepsOthers = otherBytes <= maxRecordBytes / 2;
  const kept = keepsOthers ? maxRecordBytes - otherBytes : maxRecordBytes / 2;
  return {
    ...letter,
    message: `${letter.message.slice(0, 1000)} (cut: the first ${kept} of ${valueBytes} bytes)`,
    value: letter.value?.subarray(0, kept) ?? null,
    key: keepsOthers ? letter.key : null,
    headers: { ...(keepsOthers && letter.headers), [truncatedFromHeader]: String(valueBytes) },
  };
}
