import {
  type AvroCodec,
  brokenRule,
  type DeadLetter,
  type EventRecord,
  type StreamContract,
} from '@windrow/contracts';
import type { FetchedBatch, InputRecord } from './broker.ts';

/** What a step makes of a record: it goes on, it is left out and counted, or it becomes a dead letter. */
export type Outcome =
  | { kind: 'ok'; input: InputRecord; record: EventRecord }
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
 * Decodes a raw topic's records and holds them against the contract's rules: a pure function of the bytes, so that every
 * reader of the topic leaves out exactly what the enricher dead-letters. A record without a value deletes its key's in a
 * compacted topic: it is dropped, and what a table is made of it is its reader's. In order, one outcome each.
 * Error: REGISTRY_UNAVAILABLE.
 */
export async function examine(
  contract: StreamContract,
  codec: AvroCodec,
  batch: FetchedBatch,
): Promise<Outcome[]> {
  const decoded = await codec.decode(batch.records.map(({ value }) => value));
  const isTable = contract.topics.raw.cleanup !== 'delete';
  return batch.records.map((input, index): Outcome => {
    if (isTable && input.value === null) return { kind: 'drop', input, reason: 'deletion' };
    const result = decoded[index];
    if (result === undefined || !result.ok) {
      const { reason, message, schemaId } = result ?? {
        reason: 'empty',
        message: 'no value',
        schemaId: null,
      };
      return { kind: 'deadLetter', input, stage: 'decode', reason, message, schemaId };
    }
    const { record, schemaId } = result;
    try {
      const broken = brokenRule(contract.rules, record);
      if (broken) return { kind: 'deadLetter', input, stage: 'rules', ...broken, schemaId };
    } catch (error) {
      // A rule that throws is the rule's fault, but it must not stop the events behind this one.
      const message = error instanceof Error ? error.message : String(error);
      return { kind: 'deadLetter', input, stage: 'rules', reason: 'rule_failed', message, schemaId };
    }
    return { kind: 'ok', input, record };
  });
}
