import { WindrowError } from '@windrow/runtime';
import { isDecimal } from '../decimal.ts';
import type { MetaData } from '../delta/actions.ts';
import type { PrimitiveType, ScalarType, TableSchema } from '../table-schema.ts';

const columnTypes: ReadonlySet<string> = new Set<PrimitiveType>([
  'string',
  'integer',
  'long',
  'double',
  'float',
  'boolean',
  'timestamp',
  'binary',
  'date',
]);

/**
 * The columns of the table's data files: all except the partition columns.
 * @throws WindrowError LAKE_LOG_INVALID naming a column of a type that Windrow doesn't write
 */
export function tableColumns({ schemaString, partitionColumns }: MetaData, table: string): TableSchema {
  const { fields } = JSON.parse(schemaString) as {
    fields: { name: string; type: unknown; nullable: boolean }[];
  };
  return {
    columns: fields
      .filter(({ name }) => !partitionColumns.includes(name))
      .map(({ name, type, nullable }) => {
        if (typeof type === 'string' && (columnTypes.has(type) || isDecimal(type as ScalarType))) {
          return { name, type: type as ScalarType, nullable };
        }
        throw new WindrowError(
          'LAKE_LOG_INVALID',
          `column ${name} of table ${table} is ${JSON.stringify(type)}, which Windrow doesn't write: compact it with the engine that added it`,
        );
      }),
  };
}
