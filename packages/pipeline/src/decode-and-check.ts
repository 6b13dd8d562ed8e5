import {
  type AvroCodec,
  type DeadLetter,
  type EventRecord,
  type QualityNote,
  type RecordCheck,
  recordCheck,
  type StreamContract,
  schemaIdInHeader,
} from '@windrow/contracts';
import type { FetchedBatch, InputRecord } from './broker.ts';

/** The outcome of a step for a record: accepted, dropped and counted, or rejected as a dead letter. */
export type Outcome =
  /** `notes`: those that the check has added to `_quality`. */
  | { kind: 'ok'; input: InputRecord; record: EventRecord; notes?: readonly QualityNote[] }
  | { kind: 'drop'; input: InputRecord; reason: string }
  | {
      kind: 'deadLetter';
      input: InputRecord;
      stage: DeadLetter['stage'];
      reason: string;
      message: string;
      schemaId: number | null;
    };

/**
 * Decodes the records of a raw topic and checks them against the contract's rules. The result depends on the bytes alone, so
 * every reader of the topic skips exactly the records that the enricher rejects. In a compacted topic, a record without a
 * value deletes its key (a tombstone): it is dropped here, and a reader that holds the topic as a table removes the row.
 * @param check default: that of the contract
 * @returns one outcome for each record, in order
 * @throws WindrowError REGISTRY_UNAVAILABLE
 */
export async function decodeAndCheck(
  contract: StreamContract,
  codec: AvroCodec,
  batch: FetchedBatch,
  check = recordCheck(contract),
): Promise<Outcome[]> {
  const headersWithId = batch.records.map(({ headers, value }) =>
    value === null ? null : schemaIdInHeader(headers),
  );
  const decoded = await codec.decode(
    batch.records.map(({ value }, index) => (headersWithId[index] === null ? value : null)),
  );
  const isTable = contract.topics.raw.cleanup !== 'delete';
  return batch.records.map((input, index): Outcome => {
    if (isTable && input.value === null) return { kind: 'drop', input, reason: 'deletion' };
    const headerWithId = headersWithId[index] ?? null;
    if (headerWithId !== null) return rejectedForHeader(input, headerWithId);
    const result = decoded[index];
    if (result === undefined || !result.ok) {
      const { reason, message, schemaId } = result ?? {
        reason: 'empty',
        message: 'no value',
        schemaId: null,
      };
      return { kind: 'deadLetter', input, stage: 'decode', reason, message, schemaId };
    }
    return checkedOutcome(check, input, result.record, result.schemaId);
  });
}

/** Checks a decoded record, which may change it. */
export function checkedOutcome(
  check: RecordCheck,
  input: InputRecord,
  record: EventRecord,
  schemaId: number,
): Outcome {
  try {
    const judgement = check(record);
    if (judgement === null) return { kind: 'ok', input, record };
    if (judgement.ok) return { kind: 'ok', input, record, notes: judgement.notes };
    const { reason, message } = judgement;
    return { kind: 'deadLetter', input, stage: 'rules', reason, message, schemaId };
  } catch (error) {
    // A rule that throws must not stop the events after this one.
    const message = error instanceof Error ? error.message : String(error);
    return { kind: 'deadLetter', input, stage: 'rules', reason: 'rule_failed', message, schemaId };
  }
}

/** The bytes of a value whose schema is named in a header are bare Avro, even if they begin like the wire format. */
export function rejectedForHeader(
  input: InputRecord,
  message: string,
): Extract<Outcome, { kind: 'deadLetter' }> {
  const reason = 'schema_id_in_header';
  return { kind: 'deadLetter', input, stage: 'decode', reason, message, schemaId: null };
}
