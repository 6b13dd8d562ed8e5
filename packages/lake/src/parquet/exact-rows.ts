import { type FileMetaData, parquetSchema, type SchemaTree } from 'hyparquet';
import type { MapEntry, NestedValue } from '../table-schema.ts';
import { withoutContainers } from './nested-as-read.ts';
import { withoutDecimals } from './without-decimals.ts';

type Row = Record<string, unknown>;
type Convert = (value: unknown) => NestedValue;

export interface ExactRows {
  /** The metadata for hyparquet: decimals are unscaled integers, lists and maps the groups that they are stored in. */
  readonly metadata: FileMetaData;
  /** Replaces the nested values of rows that hyparquet has read: structs are objects, lists arrays, maps lists of entries. */
  complete(rows: readonly Row[]): void;
}

/** How hyparquet reads rows without a loss: it rounds decimals, and its objects for maps lose the order of the keys. */
export function exactRows(file: FileMetaData): ExactRows {
  const metadata = withoutContainers(withoutDecimals(file));
  const nested = parquetSchema(file).children.flatMap((column): [string, Convert][] =>
    column.children.length === 0 ? [] : [[column.element.name, converterOf(column)]],
  );
  return {
    metadata,
    complete(rows) {
      for (const row of rows)
        for (const [name, convert] of nested) if (name in row) row[name] = convert(row[name]);
    },
  };
}

/** The function for the values of a column or of a part of it. */
function converterOf(of: SchemaTree): Convert {
  const convert = presentConverter(of);
  return (value) => (value === null || value === undefined ? null : convert(value));
}

function presentConverter({ element, children }: SchemaTree): Convert {
  const [first] = children;
  if (first === undefined) return (value) => value as NestedValue;
  const kind = element.logical_type?.type ?? element.converted_type;
  if (kind === 'LIST' && children.length === 1) return listConverter(first);
  if (kind === 'MAP' || kind === 'MAP_KEY_VALUE') return mapConverter(first);
  const fields = children.map((child) => ({ name: child.element.name, convert: converterOf(child) }));
  return (value) =>
    Object.fromEntries(fields.map(({ name, convert }) => [name, convert((value as Row)[name])]));
}

function listConverter({ element, children }: SchemaTree): Convert {
  const [item, ...others] = children;
  if (item === undefined || others.length > 0)
    throw new RangeError(`the items ${element.name} of a list are stored in another way`);
  const convert = converterOf(item);
  return (list) => ((list as Row)[element.name] as Row[]).map((group) => convert(group[item.element.name]));
}

function mapConverter({ element, children }: SchemaTree): Convert {
  const [key, value] = children.map((child) => ({ name: child.element.name, convert: converterOf(child) }));
  if (key === undefined)
    throw new RangeError(`the entries ${element.name} of a map are stored in another way`);
  return (map) =>
    ((map as Row)[element.name] as Row[]).map(
      (entry): MapEntry => ({
        key: key.convert(entry[key.name]),
        value: value === undefined ? null : value.convert(entry[value.name]),
      }),
    );
}
