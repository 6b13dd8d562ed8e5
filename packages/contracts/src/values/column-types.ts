import type { Type, types } from 'avsc';
import { avroType } from '../avro/avro-type.ts';
import { logicalTypeOf } from '../avro/exact-types.ts';
import type { CuratedMapping, PostgresType, StreamContract } from '../contract.ts';
import { landedSchema } from '../landed-topic.ts';

/** The kinds of Avro values that each Postgres type holds exactly: logical types by their names, other types by theirs. */
const accepted: Readonly<Record<Exclude<PostgresType, `numeric(${number},${number})`>, readonly string[]>> = {
  text: ['string', 'enum', 'uuid'],
  jsonb: ['string', 'record', 'array', 'map'],
  timestamptz: ['timestamp-millis', 'timestamp-micros'],
  timestamp: ['local-timestamp-millis', 'local-timestamp-micros'],
  date: ['date'],
  time: ['time-millis', 'time-micros'],
  'double precision': ['double', 'float', 'int', 'long'],
  real: ['float'],
  bigint: ['long', 'int'],
  integer: ['int', 'long'],
  smallint: ['int', 'long'],
  boolean: ['boolean'],
  bytea: ['bytes', 'fixed'],
  uuid: ['uuid'],
};

/**
 * Why a column can't hold the values of a field; undefined when it can.
 * @param record the Avro type of the records that have the field
 */
export function columnFault(type: PostgresType, record: Type, field: string): string | undefined {
  const avro = (record as types.RecordType).fields.find(({ name }) => name === field)?.type;
  const branches = avro === undefined ? [] : valueTypes(avro);
  const kinds = branches.map(kindOf);
  if (branches.length > 0 && branches.every((branch) => holds(type, branch))) return undefined;
  return `is ${type}, which can't hold ${field} (${kinds.join(', ') || 'no such field'})`;
}

function holds(type: PostgresType, avro: Type): boolean {
  const numeric = numericOf(type);
  if (numeric === undefined) return accepted[type as keyof typeof accepted].includes(kindOf(avro));
  const logicalType = logicalTypeOf(avro);
  if (logicalType?.name !== 'decimal') return false;
  const { precision = 0, scale = 0 } = logicalType;
  return numeric.scale === scale && numeric.precision >= precision;
}

/** Precision and scale of a numeric column. */
export function numericOf(type: PostgresType): { precision: number; scale: number } | undefined {
  const [, precision, scale] = /^numeric\((\d+),\s*(\d+)\)$/.exec(type) ?? [];
  return precision === undefined ? undefined : { precision: Number(precision), scale: Number(scale) };
}

/** The types of a union beside null, or the type itself. */
export function valueTypes(avro: Type): readonly Type[] {
  if (!avro.typeName.startsWith('union:')) return [avro];
  return (avro as types.UnwrappedUnionType).types.filter(({ typeName }) => typeName !== 'null');
}

function kindOf(avro: Type): string {
  const logicalType = logicalTypeOf(avro);
  if (logicalType?.name !== 'decimal') return logicalType?.name ?? avro.typeName;
  return `decimal(${logicalType.precision},${logicalType.scale})`;
}

/** The mapping with the Avro type of each column's field. */
export function withAvroTypes(contract: StreamContract, all: StreamContract[]): CuratedMapping | undefined {
  const { curated } = contract;
  if (!curated) return undefined;
  const { fields } = avroType(landedSchema(contract, all)) as types.RecordType;
  const columns = curated.columns.map((column) => {
    const avro = fields.find(({ name }) => name === column.field)?.type;
    return { ...column, ...(avro && { avro }) };
  });
  return { ...curated, columns };
}
