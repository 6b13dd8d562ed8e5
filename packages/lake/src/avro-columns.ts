import { avroType, logicalTypeOf, typeFaults } from '@windrow/contracts';
import { WindrowError } from '@windrow/runtime';
import type { Type, types } from 'avsc';
import {
  datePartition,
  ledgerColumns,
  type ScalarType,
  type TableColumn,
  type TableSchema,
} from './table-schema.ts';

/**
 * The columns of an Avro record's fields, in their order, then the ledger columns. docs/reference/types.md has the type of each
 * column. All columns that come from Avro are nullable: a later version of a contract may drop a field, and its rows must still
 * fit the table.
 * @param avro the parsed Avro schema, a record
 * @throws WindrowError CONTRACT_INVALID when the schema is no record, a field has the name of a ledger or partition column, or a
 * type that no column can hold
 */
export function tableSchemaFromAvro(avro: unknown): TableSchema {
  const { name: recordName, type, fields } = avro as Readonly<Record<string, unknown>>;
  if (type !== 'record' || !Array.isArray(fields)) {
    throw new WindrowError('CONTRACT_INVALID', 'a lake table needs an Avro record as its schema');
  }
  const taken = new Set([datePartition.name, ...ledgerColumns.map((column) => column.name)]);
  for (const { name } of fields as { name: string }[]) {
    if (taken.has(name)) {
      throw new WindrowError(
        'CONTRACT_INVALID',
        `field ${name} of ${String(recordName)} has a name that is reserved by the lake or used twice: rename it`,
      );
    }
    taken.add(name);
  }
  const record = avroType(avro) as types.RecordType;
  const faults = record.fields.flatMap(({ name, type }) => typeFaults(type, name));
  if (faults.length > 0) throw new WindrowError('CONTRACT_INVALID', faults.join('; '));
  const columns = record.fields.map(
    (field): TableColumn => ({ name: field.name, type: columnType(field.type), nullable: true }),
  );
  return { columns: [...columns, ...ledgerColumns], record };
}

/**
 * The column type for values of an Avro type, nulls aside. A union of several types is text with the value as JSON.
 */
export function columnType(avro: Type): ScalarType {
  const branches = branchesOf(avro).filter(({ typeName }) => typeName !== 'null');
  const [type] = branches;
  if (type === undefined || branches.length > 1) return 'string';
  const logicalType = logicalTypeOf(type);
  switch (type.typeName) {
    case 'int':
      return logicalType?.name === 'date' ? 'date' : 'integer';
    case 'long':
      return logicalType?.name === 'timestamp-millis' || logicalType?.name === 'timestamp-micros'
        ? 'timestamp'
        : 'long';
    case 'bytes':
    case 'fixed': {
      if (logicalType?.name === 'uuid') return 'string';
      if (logicalType?.name !== 'decimal') return 'binary';
      return `decimal(${logicalType.precision ?? 0},${logicalType.scale ?? 0})`;
    }
    case 'boolean':
    case 'double':
    case 'float':
      return type.typeName;
    default:
      return 'string';
  }
}

export function branchesOf(type: Type): readonly Type[] {
  return type.typeName.startsWith('union:') ? (type as types.UnwrappedUnionType).types : [type];
}
