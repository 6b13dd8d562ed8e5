import { avroType, typeFaults } from '@windrow/contracts';
import { WindrowError } from '@windrow/runtime';
import type { types } from 'avsc';
import { nestedColumnType } from './columns/nested-type.ts';
import { scalarType } from './columns/scalar-type.ts';
import { datePartition, ledgerColumns, type TableColumn, type TableSchema } from './table-schema.ts';

/**
 * The columns of an Avro record's fields, in their order, then the ledger columns. docs/reference/types.md has the type of each
 * column. A table that exists may have text where these columns are nested (`LakeTable.schema`). All columns that come from Avro are nullable: a later version of a contract may drop a field, and its rows must still
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
    ({ name, type }): TableColumn => ({
      ...{ name, type: nestedColumnType(type) ?? scalarType(type), nullable: true },
    }),
  );
  return { columns: [...columns, ...ledgerColumns], record };
}
