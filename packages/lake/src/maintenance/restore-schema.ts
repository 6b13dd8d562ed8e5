import { isDeepStrictEqual } from 'node:util';
import { WindrowError } from '@windrow/runtime';
import type { MetaData } from '../delta/actions.ts';
import { columnTypeOf, type DeltaField } from '../delta/field-types.ts';
import { grownType } from '../delta/grown-type.ts';

/**
 * Checks that the files of an older version can be read with today's schema. Windrow only adds nullable columns and fields of structs, but another
 * engine may have changed the schema in other ways.
 * @throws WindrowError RESTORE_REFUSED naming a column that has another type or no longer exists
 */
export function assertSchemaHolds(then: MetaData, now: MetaData, table: string, version: number): void {
  const today = new Map(fieldsOf(now).map(({ name, type }) => [name, type]));
  const other = fieldsOf(then).filter(({ name, type }) => !holds(today.get(name), type));
  const partitioned = then.partitionColumns.join() === now.partitionColumns.join();
  if (other.length === 0 && partitioned) return;
  const reason =
    other.length > 0
      ? `its columns have other types today, or are gone: ${other.map(({ name }) => name).join(', ')}`
      : `it was partitioned by [${then.partitionColumns}], and is by [${now.partitionColumns}] today`;
  throw new WindrowError(
    'RESTORE_REFUSED',
    `table ${table} can't be version ${version} again: ${reason}. Change them back with the engine that has changed them, or read that version where it is (docs/how-to/time-travel.md). Nothing was changed.`,
  );
}

const fieldsOf = ({ schemaString }: MetaData): DeltaField[] =>
  (JSON.parse(schemaString) as { fields: DeltaField[] }).fields;

function holds(today: unknown, then: unknown): boolean {
  const type = columnTypeOf(then);
  // Types that Windrow doesn't write have to be the same.
  return today !== undefined && isDeepStrictEqual(today, type === undefined ? then : grownType(today, type));
}
