import {
  type Account,
  type DeadLetter,
  type EventRecord,
  partitionName,
  schemaIdOf,
  type TopicPartition,
} from '@windrow/contracts';
import type { Dedupe, Match } from '@windrow/enrichment';
import {
  deadLetterOf,
  maxRecordBytes,
  type Outcome,
  type OutputRecord,
  partitionOfKey,
  recordBytes,
  type TopicOutput,
} from '@windrow/pipeline';
import { WindrowError } from '@windrow/runtime';
import type { OutputEncoders, StreamSteps } from './stream-steps.ts';

/** A part of a fetched batch that one transaction handles: `firstOffset ≤ offset < nextOffset`. */
export interface Range extends TopicPartition {
  firstOffset: number;
  nextOffset: number;
}

export interface EnrichedRange {
  outputs: TopicOutput[];
  account: Account;
  /** How often each join gave which result. */
  joins: JoinMatches[];
  /** Events whose key belongs to another partition; the offset of the first. */
  misplaced: { count: number; firstOffset: number | null };
  /** The newest event time of the accepted events; −∞ without one. Epoch milliseconds. */
  newestEventMs: number;
}

export interface JoinMatches {
  /** The prefix of the join. */
  join: string;
  matches: Map<Match, number>;
}

export interface RangeInput {
  range: Range;
  /** How many partitions the raw topic has. */
  partitions: number;
  outcomes: Outcome[];
  dedupe: Dedupe | null;
}

type Rejected = Extract<Outcome, { kind: 'deadLetter' }>;

/**
 * Deduplicates, enriches and encodes the events of a range, in their order. A rejected event becomes a dead letter; the
 * others continue. From here on `dedupe` has the ids of the accepted events: discard it if the range is not committed.
 */
export function enrichRange(
  steps: StreamSteps,
  encoders: OutputEncoders,
  { range, partitions, outcomes, dedupe }: RangeInput,
  origin: { service: string; version: string },
): EnrichedRange {
  const { contract, enriched, enrichment } = steps;
  const passed: OutputRecord[] = [];
  const rejected: Rejected[] = [];
  const dropped = new Map<string, number>();
  const matchCounts = steps.joins.map(({ join, matchField }) => ({
    join,
    matchField,
    matches: new Map<Match, number>(),
  }));
  let accepted = 0;
  let duplicates = 0;
  let deletions = 0;
  let newestEventMs = Number.NEGATIVE_INFINITY;
  const misplaced: EnrichedRange['misplaced'] = { count: 0, firstOffset: null };

  for (const outcome of outcomes) {
    if (outcome.kind !== 'ok') {
      if (outcome.kind === 'deadLetter') rejected.push(outcome);
      else deletions += 1;
      continue;
    }
    const { input, record } = outcome;
    if (!isPlaced(contract, record, range.partition, partitions)) {
      misplaced.count += 1;
      misplaced.firstOffset ??= input.offset;
    }
    const id = dedupe === null ? '' : (steps.dedupe?.idOf(record) ?? '');
    if (dedupe?.has(id, input.timestampMs)) {
      duplicates += 1;
      continue;
    }
    if (enriched !== null) {
      const result = enrichment.run(record, input.offset);
      if (result.kind === 'drop') {
        dropped.set(result.reason, (dropped.get(result.reason) ?? 0) + 1);
        continue;
      }
      if (result.kind === 'deadLetter') {
        rejected.push(rejection(input, result.stage, result.reason, result.message));
        continue;
      }
      const { key, headers } = input;
      let value: Buffer;
      try {
        value = enriched.encode(record);
      } catch (error) {
        const reason = error instanceof WindrowError ? error.code.toLowerCase() : 'encode_failed';
        const message = error instanceof Error ? error.message : String(error);
        rejected.push(rejection(input, 'encode', reason, message));
        continue;
      }
      const output = { key, value, headers, partition: range.partition };
      const bytes = recordBytes(output);
      if (bytes > maxRecordBytes) {
        const message = `the enriched record has ${bytes} bytes; the limit is ${maxRecordBytes}`;
        rejected.push(rejection(input, 'encode', 'too_large', message));
        continue;
      }
      passed.push(output);
      for (let at = 0; at < matchCounts.length; at++) {
        const { matchField, matches } = matchCounts[at] as (typeof matchCounts)[number];
        const match = record[matchField] as Match;
        matches.set(match, (matches.get(match) ?? 0) + 1);
      }
    }
    accepted += 1;
    dedupe?.add(id, input.timestampMs);
    // A time beyond 2^53 is a bigint.
    newestEventMs = Math.max(newestEventMs, Number(record[contract.eventTime]));
  }

  const { topic, partition } = range;
  const account: Account = {
    stream: contract.name,
    topic,
    partition,
    first_offset: range.firstOffset,
    next_offset: range.nextOffset,
    consumed: outcomes.length,
    accepted,
    duplicates,
    deletions,
    dropped: Object.fromEntries(dropped),
    rejected: countsByCause(rejected),
    committed_at: Date.now(),
  };
  const source = { stream: contract.name, topic, partition, ...origin };
  const key = partitionName(range);
  const outputs: TopicOutput[] = [
    {
      topic: encoders.deadLetters.topic,
      records: rejected.map((outcome) => ({
        key,
        value: encoders.deadLetters.encode(deadLetterOf(outcome, source)),
      })),
    },
    { topic: encoders.accounts.topic, records: [{ key, value: encoders.accounts.encode({ ...account }) }] },
  ];
  if (enriched !== null) outputs.unshift({ topic: enriched.topic, records: passed });
  return { outputs, account, joins: matchCounts, misplaced, newestEventMs };
}

/** Whether the event is in the partition of its key. Only then are all events with its id in that partition. */
function isPlaced(
  contract: StreamSteps['contract'],
  record: EventRecord,
  partition: number,
  partitions: number,
): boolean {
  try {
    return partitionOfKey(contract.key(record), partitions) === partition;
  } catch {
    // A record that the contract can't make a key of has no partition.
    return true;
  }
}

function countsByCause(rejected: Rejected[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { stage, reason } of rejected) {
    const cause = `${stage}/${reason}`;
    counts[cause] = (counts[cause] ?? 0) + 1;
  }
  return counts;
}

const rejection = (
  input: Outcome['input'],
  stage: DeadLetter['stage'],
  reason: string,
  message: string,
): Rejected => ({
  kind: 'deadLetter',
  input,
  stage,
  reason,
  message,
  schemaId: schemaIdOf(input.value),
});
