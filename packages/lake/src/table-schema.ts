import type { types } from 'avsc';

/**
 * Physical types of a lake column, named as in the Delta protocol's schema serialization ("Primitive Types").
 * `timestamp` is INT64 microseconds with the UTC-adjusted TIMESTAMP logical type in Parquet; `date` is INT32 days.
 */
export type PrimitiveType =
  | 'string'
  | 'integer'
  | 'long'
  | 'double'
  | 'float'
  | 'boolean'
  | 'timestamp'
  | 'binary'
  | 'date';

/** Precision 1–38, scale 0–precision. Buffers and files have the unscaled integer. */
export type DecimalType = `decimal(${number},${number})`;

export type ScalarType = PrimitiveType | DecimalType;

/** Nested types have the form of the Delta protocol's schema serialization, without the metadata of fields. */
export interface StructType {
  readonly type: 'struct';
  readonly fields: readonly TableColumn[];
}

export interface ArrayType {
  readonly type: 'array';
  readonly elementType: ColumnType;
  readonly containsNull: boolean;
}

export interface MapType {
  readonly type: 'map';
  readonly keyType: ScalarType;
  readonly valueType: ColumnType;
  readonly valueContainsNull: boolean;
}

export type NestedType = StructType | ArrayType | MapType;

export type ColumnType = ScalarType | NestedType;

export interface TableColumn {
  readonly name: string;
  readonly type: ColumnType;
  readonly nullable: boolean;
}

export interface FlatColumn extends TableColumn {
  readonly type: ScalarType;
}

export function isFlat(column: TableColumn): column is FlatColumn {
  return typeof column.type === 'string';
}

/** The columns of a table's data files, in file order. Partition columns are not among them: their values are in the path. */
export interface TableSchema {
  readonly columns: readonly TableColumn[];
  /** Names of text columns that queries look single rows up by. Files have Bloom filters for them. */
  readonly idColumns?: readonly string[];
  /** The Avro type of the records that the first columns are for. */
  readonly record?: types.RecordType;
}

/**
 * One value of a column, as encoders accept it; `null` in nullable columns.
 * string → string; integer → number; long → number (safe integers only) or bigint; double, float → number (NaN and
 * infinities allowed); boolean → boolean; timestamp → epoch microseconds, as a long; binary → Uint8Array;
 * date → number, days since 1970-01-01; decimal → the unscaled integer, as a long, or as a bigint of any size.
 */
export type ColumnValue = string | number | bigint | boolean | Uint8Array | null;

/** One value of a nested column, or of a part of it: maps are lists of their entries, in their order. */
export type NestedValue =
  | ColumnValue
  | undefined
  | readonly NestedValue[]
  | readonly MapEntry[]
  | { readonly [field: string]: NestedValue };

export interface MapEntry {
  readonly key: NestedValue;
  readonly value: NestedValue;
}

/** Which record a row was made from, and when the sink received it. They are the last columns of every table. */
export const ledgerColumns: readonly TableColumn[] = [
  { name: '_topic', type: 'string', nullable: false },
  { name: '_partition', type: 'integer', nullable: false },
  { name: '_offset', type: 'long', nullable: false },
  { name: '_ingested_at', type: 'timestamp', nullable: false },
];

/** Lake tables are partitioned by the UTC date of the event. */
export const datePartition: TableColumn = { name: 'date', type: 'date', nullable: true };

/**
 * The `schemaString` of a Delta metaData action (protocol: "Schema Serialization Format"): the file columns, then the
 * partition columns.
 */
export function toDeltaSchemaString(schema: TableSchema, partitionColumns: readonly TableColumn[]): string {
  return JSON.stringify({
    type: 'struct',
    fields: [...schema.columns, ...partitionColumns].map(deltaField),
  });
}

/** A field as the Delta protocol serializes it. */
export function deltaField({ name, type, nullable }: TableColumn) {
  return { name, type: deltaType(type), nullable, metadata: {} };
}

function deltaType(type: ColumnType): unknown {
  if (typeof type === 'string') return type;
  switch (type.type) {
    case 'struct':
      return { type: 'struct', fields: type.fields.map(deltaField) };
    case 'array':
      return { ...type, elementType: deltaType(type.elementType) };
    case 'map':
      return { ...type, valueType: deltaType(type.valueType) };
  }
}

/** A type in an error's message. */
export function typeName(type: ColumnType): string {
  return typeof type === 'string' ? type : type.type;
}
