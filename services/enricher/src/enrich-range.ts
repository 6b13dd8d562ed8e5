import { type Account, type DeadLetter, rawOffsetField } from '@windrow/contracts';
import type { Dedupe, Match } from '@windrow/enrichment';
import {
  deadLetterOf,
  maxRecordBytes,
  type Outcome,
  type OutputRecord,
  recordBytes,
  type TopicOutput,
} from '@windrow/pipeline';
import { WindrowError } from '@windrow/runtime';
import type { OutputEncoders, StreamSteps } from './stream-steps.ts';

/** A part of a fetched batch that one transaction handles: `firstOffset ≤ offset < nextOffset`. */
export interface Range {
  topic: string;
  partition: number;
  firstOffset: number;
  nextOffset: number;
}

export interface EnrichedRange {
  outputs: TopicOutput[];
  account: Account;
  /** How often the join answered what. */
  matches: Map<Match, number>;
  /** The newest event time that went on; −∞ without one. Epoch milliseconds. */
  newestEventMs: number;
}

type Failed = Extract<Outcome, { kind: 'deadLetter' }>;

/**
 * Dedupe, join and encode, in the order of the records. What fails becomes a dead letter and holds up nothing else.
 * The ids of what went on are in `dedupe` from here on: if the range is not committed, it is of no more use.
 */
export function enrichRange(
  steps: StreamSteps,
  encoders: OutputEncoders,
  { range, outcomes, dedupe }: { range: Range; outcomes: Outcome[]; dedupe: Dedupe | null },
  origin: { service: string; version: string },
): EnrichedRange {
  const { contract, enriched } = steps;
  const passed: OutputRecord[] = [];
  const failed: Failed[] = [];
  const matches = new Map<Match, number>();
  let accepted = 0;
  let duplicates = 0;
  let deletions = 0;
  let newestEventMs = Number.NEGATIVE_INFINITY;

  for (const outcome of outcomes) {
    if (outcome.kind !== 'ok') {
      if (outcome.kind === 'deadLetter') failed.push(outcome);
      else deletions += 1;
      continue;
    }
    const { input, record } = outcome;
    const id = dedupe === null ? '' : (steps.dedupe?.idOf(record) ?? '');
    if (dedupe?.has(id, input.timestampMs)) {
      duplicates += 1;
      continue;
    }
    let stage: DeadLetter['stage'] = 'join';
    try {
      const match = steps.join?.run(record);
      stage = 'encode';
      if (enriched !== null) {
        const { key, headers } = input;
        record[rawOffsetField] = input.offset;
        const output = { key, value: enriched.encode(record), headers, partition: range.partition };
        const bytes = recordBytes(output);
        if (bytes > maxRecordBytes) {
          failed.push(failure(input, stage, 'too_large', `${bytes} bytes are over ${maxRecordBytes}`));
          continue;
        }
        passed.push(output);
      }
      if (match !== undefined) matches.set(match, (matches.get(match) ?? 0) + 1);
    } catch (error) {
      const reason = error instanceof WindrowError ? error.code.toLowerCase() : `${stage}_failed`;
      failed.push(failure(input, stage, reason, error instanceof Error ? error.message : String(error)));
      continue;
    }
    accepted += 1;
    dedupe?.add(id, input.timestampMs);
    newestEventMs = Math.max(newestEventMs, record[contract.eventTime] as number);
  }

  const rejected: Record<string, number> = {};
  for (const { stage, reason } of failed)
    rejected[`${stage}/${reason}`] = (rejected[`${stage}/${reason}`] ?? 0) + 1;
  const account: Account = {
    stream: contract.name,
    topic: range.topic,
    partition: range.partition,
    first_offset: range.firstOffset,
    next_offset: range.nextOffset,
    consumed: outcomes.length,
    accepted,
    duplicates,
    deletions,
    rejected,
    committed_at: Date.now(),
  };
  const source = { stream: contract.name, topic: range.topic, partition: range.partition, ...origin };
  const key = `${range.topic}/${range.partition}`;
  const outputs: TopicOutput[] = [
    {
      topic: encoders.deadLetters.topic,
      records: failed.map((outcome) => ({
        key,
        value: encoders.deadLetters.encode(deadLetterOf(outcome, source)),
      })),
    },
    { topic: encoders.accounts.topic, records: [{ key, value: encoders.accounts.encode({ ...account }) }] },
  ];
  if (enriched !== null) outputs.unshift({ topic: enriched.topic, records: passed });
  return { outputs, account, matches, newestEventMs };
}

const failure = (
  input: Outcome['input'],
  stage: DeadLetter['stage'],
  reason: string,
  message: string,
): Failed => ({
  kind: 'deadLetter',
  input,
  stage,
  reason,
  message,
  // What could be decoded has its schema's id in front.
  schemaId: input.value?.readInt32BE(1) ?? null,
});
