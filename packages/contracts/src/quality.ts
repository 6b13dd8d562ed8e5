import type { AvroField, AvroRecordSchema, EventRecord } from './avro/avro-record.ts';
import { jsonText } from './json/json-text.ts';
import { NumberText } from './json/number-text.ts';
import { storableText } from './values/storable-text.ts';

/** What a value that is wrong costs: the event, or the value. */
export type ValueSeverity = 'reject' | 'null_out';

/** The field with the doubts about the values of an event; null for nearly all events. */
export const qualityField = '_quality';
/** The field with the values that no field of the stream takes. */
export const extraField = '_extra';

/** Every stream has them, so that a wrong or unknown value has a place. */
const fieldsOfEveryStream: readonly AvroField[] = [
  {
    name: qualityField,
    type: ['null', 'string'],
    default: null,
    doc: 'JSON: values that were replaced by null, or are doubtful, as a list of {field, reason, value}',
  },
  {
    name: extraField,
    type: ['null', 'string'],
    default: null,
    doc: 'JSON: an object with the values that no field takes, under their own names',
  },
];

export const namesOfEveryStream: ReadonlySet<string> = new Set(fieldsOfEveryStream.map(({ name }) => name));

/** A doubt about a value of an accepted event. */
export interface QualityNote {
  field: string;
  /** The code that a rejection for it would have. */
  reason: string;
  /** Shortened. */
  value: string;
  /** For people. */
  message: string;
}

const maxShown = 80;

export function qualityNote(field: string, reason: string, value: unknown, message: string): QualityNote {
  const text =
    typeof value === 'string'
      ? value
      : value instanceof NumberText
        ? value.sourceText
        : (jsonText(value) ?? String(value));
  const shown = text.length > maxShown ? `${text.slice(0, maxShown)}…` : text;
  // The cut may have divided a surrogate pair.
  return { field, reason, value: storableText(shown), message };
}

/** The text of {@link qualityField}. */
export function qualityText(notes: readonly QualityNote[]): string {
  return JSON.stringify(notes.map(({ field, reason, value }) => ({ field, reason, value })));
}

/** Adds notes to those that the record has. */
export function addNotes(record: EventRecord, notes: readonly QualityNote[]): void {
  const added = qualityText(notes);
  const earlier = record[qualityField];
  record[qualityField] =
    typeof earlier === 'string' && earlier.length > 2 && earlier.endsWith(']')
      ? `${earlier.slice(0, -1)},${added.slice(1)}`
      : added;
}

export function withFieldsOfEveryStream(schema: AvroRecordSchema): AvroRecordSchema {
  return { ...schema, fields: [...schema.fields, ...fieldsOfEveryStream] };
}
