import type { EventRecord } from './avro/avro-record.ts';
import type { StreamContract } from './contract.ts';
import { addNotes, type QualityNote, qualityNote } from './quality.ts';
import { brokenRule } from './rules.ts';

/** The reason to reject a record, or the notes about it. */
export type Judgement =
  | { ok: false; reason: string; message: string }
  | { ok: true; notes: readonly QualityNote[] };

/** Returns null for a record that keeps all rules. */
export type RuleCheck = (record: EventRecord, notes?: readonly QualityNote[]) => Judgement | null;

const none: readonly QualityNote[] = [];

/**
 * Applies a contract's rules to a record. Rules that null out change the record and its `_quality`, and come first. If a rule rejects a
 * record because a value is missing that was replaced by null, the rejection gives the reason for which it was replaced.
 */
export function ruleCheck({ rules }: Pick<StreamContract, 'rules'>): RuleCheck {
  const rejecting = rules.filter(({ severity = 'reject' }) => severity === 'reject');
  const noting = rules.flatMap(({ severity = 'reject', reads: [field] = [], ...rule }) =>
    severity === 'reject' || field === undefined ? [] : [{ ...rule, severity, field }],
  );
  return (record, earlier = none) => {
    let notes: QualityNote[] | undefined;
    const replaced: [field: string, value: unknown][] = [];
    for (const { field, reason, severity, check } of noting) {
      const message = check(record);
      if (message === null) continue;
      notes ??= [];
      notes.push(qualityNote(field, reason, record[field], message));
      if (severity !== 'null_out') continue;
      replaced.push([field, record[field]]);
      record[field] = null;
    }
    const broken = brokenRule(rejecting, record);
    if (broken) {
      const reads = rejecting.find(({ reason }) => reason === broken.reason)?.reads ?? [];
      const cause = [...earlier, ...(notes ?? none)].find(
        ({ field }) => reads.includes(field) && record[field] === null,
      );
      // A dead letter has the event as it was.
      for (const [field, value] of replaced) record[field] = value;
      return { ok: false, ...(cause ? { reason: cause.reason, message: cause.message } : broken) };
    }
    if (notes === undefined) return null;
    addNotes(record, notes);
    return { ok: true, notes };
  };
}
