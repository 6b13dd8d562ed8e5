import { WindrowError } from '@windrow/runtime';
import type { MetaData } from '../delta/actions.ts';
import { type DeltaField, tableColumnOf } from '../delta/field-types.ts';
import type { TableSchema } from '../table-schema.ts';

/**
 * The columns of the table's data files: all except the partition columns.
 * @throws WindrowError LAKE_LOG_INVALID naming a column of a type that Windrow doesn't write
 */
export function tableColumns({ schemaString, partitionColumns }: MetaData, table: string): TableSchema {
  const { fields } = JSON.parse(schemaString) as {
    fields: DeltaField[];
  };
  return {
    columns: fields
      .filter(({ name }) => !partitionColumns.includes(name))
      .map((field) => {
        const column = tableColumnOf(field);
        if (column !== undefined) return column;
        const { name, type } = field;
        throw new WindrowError(
          'LAKE_LOG_INVALID',
          `column ${name} of table ${table} is ${JSON.stringify(type)}, which Windrow doesn't write: compact it with the engine that added it`,
        );
      }),
  };
}
