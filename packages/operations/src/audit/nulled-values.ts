import { type EventRecord, qualityField, ruleCheck, type StreamContract } from '@windrow/contracts';
import type { ParquetColumn } from '../parquet.ts';
import { microsOf } from './canonical-values.ts';

/** The fields that {@link nullsByRules} reads. */
export function fieldsOfRules(contract: StreamContract): string[] {
  if (contract.topics.enriched) return [];
  return [qualityField, ...notingRules(contract).flatMap(({ reads = [] }) => reads)];
}

/**
 * The raw table has records as they were written, and Postgres has them after the rules that null out. This applies these rules to
 * a stored row of a stream whose raw table is compared with Postgres.
 */
export function nullsByRules(
  contract: StreamContract,
): (row: EventRecord, types: ReadonlyMap<string, ParquetColumn>) => void {
  const rules = contract.topics.enriched ? [] : notingRules(contract);
  if (rules.length === 0) return () => undefined;
  const check = ruleCheck({ rules });
  const fields = fieldsOfRules(contract);
  return (row, types) => {
    const record: EventRecord = {};
    for (const field of fields) record[field] = seenByRules(row[field], types.get(field));
    const judgement = check(record);
    if (!judgement?.ok) return;
    for (const { field } of judgement.notes) if (record[field] === null) row[field] = null;
    row[qualityField] = record[qualityField];
  };
}

const notingRules = ({ rules }: StreamContract) =>
  rules.filter(({ severity = 'reject' }) => severity !== 'reject');

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** A value as the rules see it, of one that a file has. */
function seenByRules(value: unknown, column: ParquetColumn | undefined): unknown {
  if (value instanceof Uint8Array) return decoder.decode(value);
  if (column?.unit !== undefined && value !== null && value !== undefined)
    return Number(microsOf(value, column)) / 1000;
  return value;
}
