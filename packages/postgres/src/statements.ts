import type { CuratedMapping } from '@windrow/contracts';
import pg from 'pg';

const { escapeIdentifier } = pg;

export interface Statements {
  /** Makes the staging table, where this session has none; it is emptied at the end of each transaction. */
  createStaging: string;
  truncateStaging: string;
  copy: string;
  /**
   * Staged rows into the curated table, and what is new of them into the aggregates; one row back: `landed`, the number
   * of rows inserted or replaced.
   */
  land: string;
}

/** `schema.table` with its parts quoted. */
export const quoted = (table: string): string => table.split('.').map(escapeIdentifier).join('.');

/** The SQL that lands a stream; made once from its mapping. */
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
  // INSERT takes a key once only where it may update: of a batch's rows of the same key the last one wins.
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
 * One order for all writers, or two that land the same keys would wait for each other. Texts go by their bytes, which is
 * the fastest and the same on every server; a partitioned table goes by time first, so that its partitions take turns.
 */
function sortOrder({ key, columns, partitionByDay }: CuratedMapping): string[] {
  const isText = (name: string) => columns.some((column) => column.name === name && column.type === 'text');
  const names = [...key].sort((a, b) => Number(b === partitionByDay) - Number(a === partitionByDay));
  return names.map((name) => `${escapeIdentifier(name)}${isText(name) ? ' COLLATE "C"' : ''}`);
}

/** The columns that the aggregates name, and no others: to keep whole rows for them costs a fifth of the landing. */
function returned({ columns, aggregates = [] }: CuratedMapping): string {
  const expressions = aggregates.flatMap(({ groupBy, sums }) => [
    ...Object.values(groupBy),
    ...Object.values(sums),
  ]);
  const words = new Set(expressions.flatMap((expression) => expression.match(/\w+/g) ?? []));
  const named = columns.filter(({ name }) => words.has(name));
  return named.length === 0 ? '1' : named.map(({ name }) => escapeIdentifier(name)).join(', ');
}
