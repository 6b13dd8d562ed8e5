/** One event as JavaScript values by Avro field name. Times are epoch milliseconds; absent values are null. */
export type EventRecord = Record<string, unknown>;

export interface AvroField {
  name: string;
  type: unknown;
  doc?: string;
  default?: unknown;
}

/** An Avro record schema as JSON (https://avro.apache.org/docs/1.12.0/specification/). */
export interface AvroRecordSchema {
  type: 'record';
  name: string;
  namespace?: string;
  doc?: string;
  fields: AvroField[];
}
