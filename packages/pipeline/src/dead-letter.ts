import type { DeadLetter } from '@windrow/contracts';
import type { Outcome } from './examine.ts';

/** Below the broker's default `max.message.bytes` (1,048,588), with room for the framing. */
export const maxRecordBytes = 1_000_000;

/** A dead letter of a record that was read from a topic. */
export function deadLetterOf(
  outcome: Extract<Outcome, { kind: 'deadLetter' }>,
  from: { stream: string; topic: string; partition: number; service: string; version: string },
): DeadLetter {
  const { input, stage, reason, message, schemaId } = outcome;
  return withinLimit({
    stage,
    reason,
    message,
    stream: from.stream,
    topic: from.topic,
    partition: from.partition,
    offset: input.offset,
    key: input.key,
    value: input.value,
    headers: input.headers,
    schema_id: schemaId,
    failed_at: Date.now(),
    attempts: 1,
    service: from.service,
    version: from.version,
  });
}

/** What a record takes beside Kafka's framing. */
export function recordBytes({ key, value, headers }: Pick<DeadLetter, 'key' | 'value' | 'headers'>): number {
  let bytes = (value?.length ?? 0) + (key?.length ?? 0);
  for (const name in headers) bytes += Buffer.byteLength(name) + Buffer.byteLength(headers[name] ?? '');
  return bytes;
}

/**
 * Compressed, a foreign producer's record may be larger than what the broker takes from us. Its dead letter is cut, lest it
 * stop the partition: the whole record is at its offset, and in the lake's raw table.
 */
function withinLimit(letter: DeadLetter): DeadLetter {
  const valueBytes = letter.value?.length ?? 0;
  const besides = recordBytes({ ...letter, value: null }) + letter.message.length;
  if (besides + valueBytes <= maxRecordBytes) return letter;
  const keepsRest = besides <= maxRecordBytes / 2;
  const kept = keepsRest ? maxRecordBytes - besides : maxRecordBytes / 2;
  return {
    ...letter,
    message: `${letter.message.slice(0, 1000)} (cut: the first ${kept} of ${valueBytes} bytes)`,
    value: letter.value?.subarray(0, kept) ?? null,
    ...(!keepsRest && { key: null, headers: {} }),
  };
}
