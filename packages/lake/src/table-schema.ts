import { WindrowError } from '@windrow/runtime';

/**
 * Physical types of a lake column, named as in the Delta protocol's schema serialization ("Primitive Types").
 * `timestamp` is INT64 microseconds with the UTC-adjusted TIMESTAMP logical type in Parquet; `date` is INT32 days.
 */
export type ColumnType =
  | 'string'
  | 'integer'
  | 'long'
  | 'double'
  | 'float'
  | 'boolean'
  | 'timestamp'
  | 'binary'
  | 'date';

export interface TableColumn {
  readonly name: string;
  readonly type: ColumnType;
  readonly nullable: boolean;
  /** For timestamps: the unit of the Avro field, when it isn't the column's own. */
  readonly avroUnit?: 'millis';
}

/** The columns of a table's data files, in file order. Partition columns are not among them: their values are in the path. */
export interface TableSchema {
  readonly columns: readonly TableColumn[];
  /** Names of text columns that queries look single rows up by. Files have Bloom filters for them. */
  readonly idColumns?: readonly string[];
}

/**
 * One value of a column, as encoders accept it; `null` in nullable columns.
 * string → string; integer → number; long → number (safe integers only) or bigint; double, float → number (NaN and
 * infinities allowed); boolean → boolean; timestamp → epoch microseconds, as a long; binary → Uint8Array;
 * date → number, days since 1970-01-01.
 */
export type ColumnValue = string | number | bigint | boolean | Uint8Array | null;

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
 * The columns of an Avro record's fields, in their order, then the ledger columns. A union with null is nullable;
 * timestamp-millis and timestamp-micros → timestamp; date → date; string and enum → string; bytes and fixed → binary; int → integer; map,
 * array, record and a union of several types → string, with the value as JSON text. All columns that come from Avro are
 * nullable: a later version of a contract may drop a field, and its rows must still fit the table.
 * @param avro the parsed Avro schema, a record
 * @throws WindrowError CONTRACT_INVALID when the schema is no record, or a field has the name of a ledger or partition column
 */
export function tableSchemaFromAvro(avro: unknown): TableSchema {
  if (!isObject(avro) || avro.type !== 'record' || !Array.isArray(avro.fields)) {
    throw new WindrowError('CONTRACT_INVALID', 'a lake table needs an Avro record as its schema');
  }
  const columns: TableColumn[] = [];
  const taken = new Set([datePartition.name, ...ledgerColumns.map((column) => column.name)]);
  for (const field of avro.fields as unknown[]) {
    if (!isObject(field) || typeof field.name !== 'string') {
      throw new WindrowError('CONTRACT_INVALID', `record ${String(avro.name)} has a field without a name`);
    }
    if (taken.has(field.name)) {
      throw new WindrowError(
        'CONTRACT_INVALID',
        `field ${field.name} of ${String(avro.name)} has a name that is reserved by the lake or used twice: rename it`,
      );
    }
    taken.add(field.name);
    const type = columnType(field.type);
    const isMillis = type === 'timestamp' && logicalTypeOf(field.type) === 'timestamp-millis';
    columns.push({ name: field.name, type, nullable: true, ...(isMillis && { avroUnit: 'millis' }) });
  }
  return { columns: [...columns, ...ledgerColumns] };
}

function columnType(avro: unknown): ColumnType {
  if (Array.isArray(avro)) {
    const branches = avro.filter((branch) => branch !== 'null');
    return branches.length === 1 ? columnType(branches[0]) : 'string';
  }
  if (typeof avro === 'string') return primitiveTypes.get(avro) ?? 'string';
  if (!isObject(avro)) return 'string';
  const isTime = avro.logicalType === 'timestamp-millis' || avro.logicalType === 'timestamp-micros';
  if (isTime && avro.type === 'long') return 'timestamp';
  if (avro.logicalType === 'date' && avro.type === 'int') return 'date';
  if (avro.type === 'fixed') return 'binary';
  return typeof avro.type === 'string' ? (primitiveTypes.get(avro.type) ?? 'string') : columnType(avro.type);
}

/** Of a type, or of the only branch of a union beside null. */
function logicalTypeOf(avro: unknown): unknown {
  if (Array.isArray(avro)) return logicalTypeOf(avro.find((branch) => branch !== 'null'));
  return isObject(avro) ? (avro.logicalType ?? logicalTypeOf(avro.type)) : undefined;
}

const primitiveTypes = new Map<string, ColumnType>([
  ['boolean', 'boolean'],
  ['bytes', 'binary'],
  ['double', 'double'],
  ['float', 'float'],
  ['int', 'integer'],
  ['long', 'long'],
  ['string', 'string'],
]);

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * The `schemaString` of a Delta metaData action (protocol: "Schema Serialization Format"): the file columns, then the
 * partition columns.
 */
export function toDeltaSchemaString(schema: TableSchema, partitionColumns: readonly TableColumn[]): string {
  return JSON.stringify({
    type: 'struct',
    fields: [...schema.columns, ...partitionColumns].map(({ name, type, nullable }) => ({
      name,
      type,
      nullable,
      metadata: {},
    })),
  });
}
