import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CuratedMapping, Rule, StreamContract } from './contract.ts';
import { maxBytes } from './rules.ts';
import { columnWords } from './sql-words.ts';

/**
 * Bytes of all texts in one entry of an index. Postgres stores at most 2,704 bytes in an entry of a B-tree, a third of a page
 * (https://www.postgresql.org/docs/current/btree.html); the rest is for headers, lengths and the other columns.
 */
const maxEntryBytes = 2_600;
/** For a field that `maxBytes` of the contract does not name. */
const defaultMaxBytes = 1_024;

/** An index of Postgres with the fields whose texts are in its entries. */
interface Index {
  /** For messages: `the key of curated.track_event`. */
  name: string;
  /** One for each text in an entry: the fields of which one is in it. */
  texts: string[][];
}

/** A field whose text has a bound. */
interface BoundedField {
  field: string;
  bytes: number;
  /** The index because of which it has that bound. */
  index: string;
}

/** Rules that reject texts that Postgres can't index, for the fields of the raw schema. */
export function lengthRules(contract: StreamContract): Rule[] {
  const raw = new Set(contract.schema.fields.map(({ name }) => name));
  const indexed = boundedFields(contract).filter(({ field }) => raw.has(field));
  const others = Object.entries(contract.maxBytes ?? {}).filter(
    ([name]) => !indexed.some(({ field }) => field === name),
  );
  return [
    ...indexed.map(({ field, bytes, index }) => maxBytes(field, bytes, `it is part of ${index} in Postgres`)),
    ...others.map(([field, bytes]) => maxBytes(field, bytes, 'the contract of the stream says so')),
  ];
}

/** Indexes whose entries may be too long because of the lengths that the contract declares. */
export function lengthFaults(contract: StreamContract): string[] {
  const bounds = new Map(boundedFields(contract).map(({ field, bytes }) => [field, bytes]));
  return indexesOf(contract).flatMap(({ name, texts }) => {
    const longest = texts.map((fields) => Math.max(...fields.map((field) => bounds.get(field) ?? 0)));
    const bytes = longest.reduce((sum, each) => sum + each, 0);
    const named = texts.flat().map((field) => `${field} ${bounds.get(field)}`);
    return bytes <= maxEntryBytes
      ? []
      : [
          `the texts in ${name} may take ${bytes} bytes (${named.join(', ')}); an entry of an index holds ${maxEntryBytes}. Lower maxBytes of these fields`,
        ];
  });
}

/** The bound of each field: as declared, else its share of the entry; of several indexes the lowest one. */
function boundedFields(contract: StreamContract): BoundedField[] {
  const { maxBytes: declared = {} } = contract;
  const bounded = new Map<string, BoundedField>();
  for (const { name: index, texts } of indexesOf(contract)) {
    const share = Math.min(defaultMaxBytes, Math.floor(maxEntryBytes / texts.length));
    for (const field of texts.flat()) {
      const bytes = declared[field] ?? share;
      const known = bounded.get(field);
      if (!known || bytes < known.bytes) bounded.set(field, { field, bytes, index });
    }
  }
  return [...bounded.values()];
}

function indexesOf({ curated, directory }: StreamContract): Index[] {
  if (!curated) return [];
  const fields = new Map(
    curated.columns.filter(({ type }) => type === 'text').map(({ name, field }) => [name, field]),
  );
  const textsIn = (columns: readonly string[]) =>
    columns.flatMap((column) => (fields.has(column) ? [[fields.get(column) ?? column]] : []));
  return [
    { name: `the key of ${curated.table}`, texts: textsIn(curated.key) },
    ...(curated.aggregates ?? []).map(({ table, groupBy }) => ({
      name: `the key of ${table}`,
      texts: Object.values(groupBy).flatMap((expression) => {
        const each = textsIn([...new Set(columnWords(expression))]);
        // Of the arguments of coalesce, one is in the entry.
        return /^\s*coalesce\s*\(/i.test(expression) && each.length > 0 ? [each.flat()] : each;
      }),
    })),
    ...migratedIndexes(curated, directory).map(({ name, columns }) => ({ name, texts: textsIn(columns) })),
  ].filter(({ texts }) => texts.length > 0);
}

/** The B-tree indexes that the stream's migrations create on its table, with their columns; expressions are left out. */
function migratedIndexes(
  { table }: CuratedMapping,
  directory: string,
): { name: string; columns: string[] }[] {
  return migrationsOf(directory).flatMap((sql) => {
    const statements = sql.replaceAll(/--.*$/gm, '').split(';');
    return statements.flatMap((statement) => {
      const [, name = '', on = '', method = 'btree', rest = ''] = creation.exec(statement) ?? [];
      if (on.replaceAll('"', '') !== table || method.toLowerCase() !== 'btree') return [];
      const columns = rest.replace(/\bwhere\b.*$/is, '').split(/[(),]/);
      return [
        {
          name: `the index ${name.replaceAll('"', '') || 'that a migration creates'}`,
          columns: columns.flatMap((each) => /^\s*"?(\w+)"?/.exec(each)?.[1] ?? []),
        },
      ];
    });
  });
}

const creation =
  /^\s*create\s+(?:unique\s+)?index\s+(?:concurrently\s+)?(?:if\s+not\s+exists\s+)?((?!on\b)[\w"]+)?\s*\bon\s+(?:only\s+)?([\w."]+)\s*(?:using\s+(\w+)\s*)?(\(.*)$/is;

function migrationsOf(directory: string): string[] {
  const folder = join(directory, 'migrations');
  const names = readdirSync(directory).includes('migrations') ? readdirSync(folder) : [];
  return names
    .filter((name) => name.endsWith('.sql'))
    .map((name) => readFileSync(join(folder, name), 'utf8'));
}
