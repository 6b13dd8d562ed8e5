import { type AsOfJoin, type JoinedTable, joinFields } from './as-of-join.ts';
import type { AvroField, EventRecord } from './avro/avro-record.ts';

/** The event is left out and counted by its reason. */
export interface Drop {
  kind: 'drop';
  /** Short stable code from a small set: it becomes a metric's label. */
  reason: string;
}

/** The event becomes a dead letter. */
export interface Rejection {
  kind: 'deadLetter';
  /** Short stable code from a small set: it becomes a metric's label. */
  reason: string;
  /** For people. */
  message: string;
}

/** The event continues. */
export interface Ok {
  readonly kind: 'ok';
}

/** What a step decides about an event. */
export type StepOutcome = Ok | Drop | Rejection;

/** One object for all events, so that the usual outcome allocates nothing. */
export const ok: Ok = Object.freeze({ kind: 'ok' });

export function drop(reason: string): Drop {
  return { kind: 'drop', reason };
}

export function reject(reason: string, message: string): Rejection {
  return { kind: 'deadLetter', reason, message };
}

/** A step that is a function of one event. It runs for every event, live and in replays: it must not wait for anything. */
export interface RecordStep {
  kind: 'record';
  /** Unique among the steps of a stream. An exception rejects the event with the reason `<name>_failed`. */
  name: string;
  /** The fields that `run` reads: fields of the raw schema, or fields that earlier steps add. */
  reads: readonly string[];
  /** The fields that `run` sets on the record. In the enriched schema they are nullable, with null as the default. */
  adds: readonly Pick<AvroField, 'name' | 'type' | 'doc'>[];
  run(record: EventRecord): StepOutcome;
}

/** One step between deduplication and the enriched topic. */
export type Step = AsOfJoin | RecordStep;

/** Checks the types of a step where it is written. */
export function defineStep(step: Omit<RecordStep, 'kind'>): RecordStep {
  return { kind: 'record', ...step };
}

/** The name of a step, for errors. */
export function nameOfStep(step: Step): string {
  return step.kind === 'asOfJoin' ? step.prefix : step.name;
}

/** The fields that a step adds to the enriched schema, all nullable with null as the default. */
export function fieldsAddedBy(step: Step, tables: readonly JoinedTable[]): AvroField[] {
  return declaredFields(step, tables).map(({ name, type, doc }) => ({
    name,
    type: optional(type),
    default: null,
    ...(doc !== undefined && { doc }),
  }));
}

function declaredFields(step: Step, tables: readonly JoinedTable[]): RecordStep['adds'] {
  if (step.kind === 'record') return step.adds;
  const table = tables.find(({ name }) => name === step.table);
  return table === undefined ? [] : joinFields(step, table);
}

const optional = (type: unknown): unknown =>
  Array.isArray(type) && type.includes('null') ? type : ['null', type];
