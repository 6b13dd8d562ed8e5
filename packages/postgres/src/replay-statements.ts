import type { CuratedAggregate, CuratedMapping } from '@windrow/contracts';
import pg from 'pg';
import { timeColumn } from './replay-stage.ts';
import { quoted } from './statements.ts';

const { escapeIdentifier, escapeLiteral } = pg;

/** The rows that one transaction swaps. */
export interface Piece {
  /** ISO times: `from ≤ time < to`. */
  from: string;
  to: string;
  /** Only the staged rows between these two, by their place in the staging table (`ctid`), both included. */
  part?: { first: string; last: string };
}

const changed = 'pg_temp.replay_changed';
const touched = 'pg_temp.replay_touched';
const summed = 'pg_temp.replay_summed';

/**
 * Deletes old rows and inserts new ones. A row that would not change is left alone: writing it again would cost as much as a
 * change, and leave a dead tuple.
 */
export function rowStatements(mapping: CuratedMapping, staging: string, piece: Piece): string[] {
  const columns = mapping.columns.map(({ name }) => escapeIdentifier(name));
  const typed = mapping.columns.map(({ name, type }) => `${escapeIdentifier(name)} ${type}`);
  const of = (row: string) => columns.map((name) => `${row}.${name}`).join(', ');
  const table = quoted(mapping.table);
  const staged = quoted(staging);
  const key = mapping.key.map(escapeIdentifier);
  const sameKey = key.map((name) => `landed.${name} = staged.${name}`).join(' AND ');
  const isStaged = stagedIn(mapping, piece);
  const both = `${sameKey} AND ${within(mapping, piece, 'landed.')} AND ${isStaged}`;
  return [
    `DROP TABLE IF EXISTS ${changed}`,
    `CREATE TEMPORARY TABLE replay_changed (_rows integer, _replay_partition integer, ${typed.join(', ')}) ON COMMIT DROP`,
    `WITH old AS (
       DELETE FROM ${table} AS landed USING ${staged} AS staged
       WHERE ${both} AND (staged._replay_withdrawn OR (${of('landed')}) IS DISTINCT FROM (${of('staged')}))
       RETURNING staged._replay_partition, ${of('landed')})
     INSERT INTO ${changed} SELECT -1, * FROM old`,
    // Of several rows with one key the first one wins, as in the sink.
    `INSERT INTO ${changed}
     SELECT DISTINCT ON (${key.map((name) => `staged.${name}`).join(', ')}) 1, staged._replay_partition, ${of('staged')}
     FROM ${staged} AS staged
     WHERE NOT staged._replay_withdrawn AND ${isStaged}
       AND NOT EXISTS (SELECT FROM ${table} AS landed WHERE ${sameKey} AND ${within(mapping, piece, 'landed.')})
     ORDER BY ${key.map((name) => `staged.${name}`).join(', ')}, staged.ctid`,
    `INSERT INTO ${table} (${columns.join(', ')}) SELECT ${columns.join(', ')} FROM ${changed} WHERE _rows = 1
     ON CONFLICT (${key.join(', ')}) DO NOTHING`,
  ];
}

/** Sums all groups that lost or got a row again, from the rows that the table has now. */
export function aggregateStatements(
  mapping: CuratedMapping,
  { table, groupBy, sums, spanMs }: CuratedAggregate,
  staging: string,
  piece: Piece,
): string[] {
  const columns = mapping.columns.map(({ name }) => escapeIdentifier(name)).join(', ');
  const groups = Object.entries(groupBy).map(([name, of]) => ({ name: escapeIdentifier(name), of }));
  const expressions = groups.map(({ of }) => of);
  const names = groups.map(({ name }) => name);
  const sumNames = Object.keys(sums).map(escapeIdentifier);
  return [
    `DROP TABLE IF EXISTS ${touched}, ${summed}`,
    `CREATE TEMPORARY TABLE replay_touched ON COMMIT DROP AS
     SELECT DISTINCT ${groups.map(({ name, of }) => `${of} AS ${name}`).join(', ')}
     FROM (SELECT ${columns} FROM ${changed} UNION ALL
           SELECT ${columns} FROM ${quoted(staging)} AS staged
           WHERE NOT staged._replay_withdrawn AND ${stagedIn(mapping, piece)}) AS changed`,
    `ANALYZE ${touched}`,
    // Ordered by key, so that sums of floating-point numbers come out the same each time.
    `CREATE TEMPORARY TABLE replay_summed ON COMMIT DROP AS
     SELECT ${columns} FROM ${quoted(mapping.table)} AS landed
     WHERE ${spanMs === undefined ? 'true' : around(mapping, piece, spanMs)}
       AND (${expressions.join(', ')}) IN (SELECT ${names.join(', ')} FROM ${touched})
     ORDER BY ${mapping.key.map((name) => escapeIdentifier(name)).join(', ')}`,
    `DELETE FROM ${quoted(table)} AS aggregate USING ${touched} AS touched
     WHERE ${names.map((name) => `aggregate.${name} = touched.${name}`).join(' AND ')}`,
    // A hash aggregate reads the rows in that order; a sort by groups would not keep it within a group.
    'SET LOCAL enable_sort = off',
    `INSERT INTO ${quoted(table)} (${[...names, ...sumNames].join(', ')})
     SELECT ${[...expressions, ...Object.values(sums)].join(', ')} FROM ${summed} GROUP BY ${groups.map((_, at) => at + 1).join(', ')}`,
    'SET LOCAL enable_sort = on',
  ];
}

/** Adds inserted rows less deleted rows to the sink's ledger, by the partition of their events. */
export const ledgerStatement = `
  WITH change AS (SELECT _replay_partition AS partition, sum(_rows) AS net FROM ${changed} GROUP BY 1)
  UPDATE windrow.sink_offset AS ledger
  SET rows = ledger.rows + change.net, replayed = ledger.replayed + change.net
  FROM change WHERE ledger.topic = $1 AND ledger.partition = change.partition AND change.net <> 0`;

/**
 * Stores the rows that the piece has changed, once for each key: the row before the replay, or that there was none. Of a key that
 * an earlier run of the replay has changed, the table has the row already.
 */
export function undoStatements({ columns, key }: CuratedMapping, undo: string): string[] {
  const names = columns.map(({ name }) => escapeIdentifier(name)).join(', ');
  const conflict = `ON CONFLICT (${key.map(escapeIdentifier).join(', ')}) DO NOTHING`;
  return [-1, 1].map(
    (rows) =>
      `INSERT INTO ${quoted(undo)} (_replay_partition, _replay_withdrawn, ${names})
       SELECT _replay_partition, ${rows === 1}, ${names} FROM ${changed} WHERE _rows = ${rows} ${conflict}`,
  );
}

/** The staged rows of the piece. */
export function stagedIn(mapping: CuratedMapping, piece: Piece): string {
  const { first, last } = piece.part ?? {};
  const inPart =
    first === undefined || last === undefined
      ? ''
      : ` AND staged.ctid >= ${escapeLiteral(first)}::tid AND staged.ctid <= ${escapeLiteral(last)}::tid`;
  return `${within(mapping, piece, 'staged.')}${inPart}`;
}

function within(mapping: CuratedMapping, { from, to }: Piece, of = ''): string {
  const time = `${of}${escapeIdentifier(timeColumn(mapping))}`;
  return `${time} >= ${escapeLiteral(from)}::timestamptz AND ${time} < ${escapeLiteral(to)}::timestamptz`;
}

/** All rows that may belong to the same group as a row of the piece. */
function around(mapping: CuratedMapping, { from, to }: Piece, spanMs: number): string {
  const start = Math.floor(Date.parse(from) / spanMs) * spanMs;
  const end = Math.ceil(Date.parse(to) / spanMs) * spanMs;
  return within(mapping, { from: new Date(start).toISOString(), to: new Date(end).toISOString() });
}
