import {
  type DeadLetterStage,
  type Drop,
  type EventRecord,
  nameOfStep,
  type Ok,
  ok,
  type Rejection,
  rawOffsetField,
  type Step,
  type StepOutcome,
  type StreamContract,
} from '@windrow/contracts';
import { asOfJoin } from './as-of-join.ts';
import type { TableFeed } from './table-feed.ts';

/** A rejection, and the stage that its dead letter names. */
export type StagedRejection = Rejection & { stage: DeadLetterStage };

/** The event continues, or the step that stopped it says why. */
export type EnrichmentOutcome = Ok | Drop | StagedRejection;

/** Takes a record of the raw schema, with its offset in the raw topic, and makes it one of the enriched schema. */
export type RunSteps = (record: EventRecord, rawOffset: number) => EnrichmentOutcome;

/**
 * Composes the steps of a contract, in their order. `feeds`: for each as-of join, the feed of its table. The functions of
 * the steps are looked up once, here, and an event that passes allocates no outcome.
 */
export function runSteps(contract: StreamContract, feeds: ReadonlyMap<Step, TableFeed>): RunSteps {
  const steps = contract.steps ?? [];
  const functions = steps.map((step) => functionOf(step, contract, feeds));
  const count = functions.length;
  return (record, rawOffset) => {
    let at = 0;
    try {
      for (; at < count; at++) {
        const outcome = (functions[at] as RecordFunction)(record);
        if (outcome.kind !== 'ok') return staged(steps[at] as Step, outcome);
      }
    } catch (error) {
      return failed(steps[at] as Step, error);
    }
    record[rawOffsetField] = rawOffset;
    return ok;
  };
}

type RecordFunction = (record: EventRecord) => StepOutcome;

function functionOf(
  step: Step,
  contract: StreamContract,
  feeds: ReadonlyMap<Step, TableFeed>,
): RecordFunction {
  if (step.kind === 'record') return step.run;
  const feed = feeds.get(step);
  if (feed === undefined)
    throw new TypeError(`${contract.name}: the table ${step.table} of the join ${step.prefix} is not open`);
  return asOfJoin(step, contract, feed.contract, feed.table);
}

function staged(step: Step, outcome: Drop | Rejection): Drop | StagedRejection {
  return outcome.kind === 'drop' ? outcome : { ...outcome, stage: stageOf(step) };
}

function failed(step: Step, error: unknown): StagedRejection {
  const reason = step.kind === 'asOfJoin' ? 'join_failed' : `${nameOfStep(step)}_failed`;
  const message = error instanceof Error ? error.message : String(error);
  return { kind: 'deadLetter', stage: stageOf(step), reason, message };
}

const stageOf = ({ kind }: Step): DeadLetterStage => (kind === 'asOfJoin' ? 'join' : 'step');
