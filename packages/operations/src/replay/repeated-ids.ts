import type { StreamContract } from '@windrow/contracts';
import { idReader } from '@windrow/enrichment';
import { recordReader } from '@windrow/lake';
import type { InputRecord } from '@windrow/pipeline';
import type { LakeScan } from './lake-scan.ts';

/** An event that is valid today and has no row. Either it was rejected earlier, or it is a duplicate. */
export interface Candidate {
  partition: number;
  input: InputRecord;
  record: Record<string, unknown>;
}

const dayMs = 86_400_000;

/**
 * Returns the first candidate of each id that no row has. The others are duplicates. Events with the same id have event times
 * within the deduplication horizon of the stream, so only files of that time are read.
 */
export async function withoutRow(
  candidates: readonly Candidate[],
  contract: StreamContract,
  curated: LakeScan,
): Promise<Candidate[]> {
  if (candidates.length === 0) return [];
  const toId = idReader(contract.id);
  const toRecord = recordReader(contract.schema);
  const byId = new Map<string, Candidate>();
  let [fromMs, toMs] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const candidate of candidates) {
    const id = toId(candidate.record);
    if (!byId.has(id)) byId.set(id, candidate);
    const timeMs = Number(candidate.record[contract.eventTime]);
    fromMs = Math.min(fromMs, timeMs);
    toMs = Math.max(toMs, timeMs);
  }
  const spanMs = contract.dedupe?.horizonMs ?? dayMs;
  await curated.rows(
    contract.id,
    (row) => byId.delete(toId(toRecord(row))),
    (bounds) => bounds.mayHoldTime(contract.eventTime, fromMs - spanMs, toMs + spanMs),
  );
  return [...byId.values()];
}
