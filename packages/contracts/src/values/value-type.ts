import type { InputWarning } from '../contract.ts';

/** A schema in JSON Schema 2020-12, which OpenAPI 3.1 uses. */
export type JsonSchema = Record<string, unknown>;

/** Why a value is not converted. */
export interface Refusal {
  /** Short stable code; with the field's name before it, it is the reason of the rejection. */
  reason: 'invalid' | 'out_of_range' | 'not_exact';
  /** For people, after «expected»: `a whole number between …`. */
  expected: string;
  /** For people: how the sender can send the value. */
  advice?: string;
}

/** The values that inputs may have for a type of the raw schema: as a conversion, and as JSON Schema. */
export interface ValueType {
  /** Converts to the Avro type; undefined for an invalid value. Never called with null or an empty text. */
  convert(value: unknown, warnings: InputWarning[]): unknown;
  /** Why `convert` has returned undefined for this value. */
  refusal(value: unknown): Refusal;
  /** Types and bounds. Numeric bounds don't apply to numbers that are sent as text. Without a type: anything. */
  schema: { type?: string[] } & JsonSchema;
}
