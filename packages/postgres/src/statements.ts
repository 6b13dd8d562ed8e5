import type { CuratedMapping } from '@windrow/contracts';
import pg from 'pg';

const { escapeIdentifier } = pg;

export interface Statements {
  /** Creates the session's staging table if it does not exist. Each commit empties it. */
  createStaging: string;
  truncateStaging: string;
  copy: string;
  /**
   * Inserts the staged rows into the curated table and adds the new ones to the aggregates. Returns one row with `landed`,
   * the number of inserted or replaced rows.
   */
  land: string;
}

/** `schema.table` with its parts quoted. */
export const quoted = (table: string): string => table.split('.').map(escapeIdentifier).join('.');

/** The SQL statements of a stream, generated from its mapping. */
export function statementsOf(mapping: CuratedMapping): Statements {
  const staging = escapeIdentifier(`staging_${mapping.table.replaceAll('.', '_')}`);
  const columns = mapping.columns.map(({ name }) => escapeIdentifier(name));
  const types = mapping.columns.map(({ name, type }) => `${escapeIdentifier(name)} ${type}`);
  return {
    createStaging: `CREATE TEMPORARY TABLE IF NOT EXISTS ${staging} (row_number integer, ${types.join(', ')}) ON COMMIT DELETE ROWS`,
    truncateStaging: `TRUNCATE ${staging}`,
    copy: `COPY ${staging} (row_number, ${columns.join(', ')}) FROM STDIN (FORMAT binary)`,
    land: landing(mapping, staging, columns),
  };
}

function landing(mapping: CuratedMapping, staging: string, columns: string[]): string {
  const key = mapping.key.map(escapeIdentifier);
  const ordered = sortOrder(mapping);
  const list = columns.join(', ');
  const replaces = mapping.onConflict === 'replace';
  const updates = columns.filter((column) => !key.includes(column));
  // INSERT … ON CONFLICT DO UPDATE accepts each key only once. Of several rows with one key, the last one wins.
  const rows = replaces
    ? `SELECT DISTINCT ON (${ordered.join(', ')}) ${list} FROM ${staging} ORDER BY ${ordered.join(', ')}, row_number DESC`
    : `SELECT ${list} FROM ${staging} ORDER BY ${ordered.join(', ')}, row_number`;
  const conflict =
    replaces && updates.length > 0
      ? `DO UPDATE SET ${updates.map((column) => `${column} = excluded.${column}`).join(', ')}`
      : 'DO NOTHING';
  const steps = [
    `landed AS (INSERT INTO ${quoted(mapping.table)} (${list}) ${rows} ON CONFLICT (${key.join(', ')}) ${conflict} RETURNING ${returned(mapping)})`,
    ...(mapping.aggregates ?? []).map((aggregate, index) => {
      const groups = Object.entries(aggregate.groupBy);
      const sums = Object.entries(aggregate.sums);
      const names = [...groups, ...sums].map(([name]) => escapeIdentifier(name));
      const expressions = [...groups, ...sums].map(([, expression]) => expression);
      const places = groups.map((_, place) => place + 1).join(', ');
      const additions = sums.map(([name]) => {
        const column = escapeIdentifier(name);
        return `${column} = aggregate.${column} + excluded.${column}`;
      });
      return [
        `aggregate_${index} AS (INSERT INTO ${quoted(aggregate.table)} AS aggregate (${names.join(', ')})`,
        `SELECT ${expressions.join(', ')} FROM landed GROUP BY ${places} ORDER BY ${places}`,
        `ON CONFLICT (${groups.map(([name]) => escapeIdentifier(name)).join(', ')})`,
        `DO UPDATE SET ${additions.join(', ')})`,
      ].join(' ');
    }),
  ];
  return `WITH ${steps.join(', ')} SELECT count(*)::integer AS landed FROM landed`;
}

/**
 * All writers insert in the same order; otherwise two writers with the same keys could deadlock. Text is ordered by its
 * bytes, which is fastest and the same on every server. A partitioned table is ordered by time first, so that its partitions
 * are written one after the other.
 */
function sortOrder({ key, columns, partitionByDay }: CuratedMapping): string[] {
  const isText = (name: string) => columns.some((column) => column.name === name && column.type === 'text');
  const names = [...key].sort((a, b) => Number(b === partitionByDay) - Number(a === partitionByDay));
  return names.map((name) => `${escapeIdentifier(name)}${isText(name) ? ' COLLATE "C"' : ''}`);
}

/** The columns that the aggregates use. Returning whole rows would cost a fifth of the insert's time. */
function returned({ columns, aggregates = [] }: CuratedMapping): string {
  const expressions = aggregates.flatMap(({ groupBy, sums }) => [
    ...Object.values(groupBy),
    ...Object.values(sums),
  ]);
  const words = new Set(expressions.flatMap((expression) => expression.match(/\w+/g) ?? []));
  const named = columns.filter(({ name }) => words.has(name));
  return named.length === 0 ? '1' : named.map(({ name }) => escapeIdentifier(name)).join(', ');
}
