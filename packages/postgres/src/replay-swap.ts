import { type CuratedAggregate, type CuratedMapping, windowMs } from '@windrow/contracts';
import { failpoint } from '@windrow/runtime';
import pg from 'pg';
import { stageTable } from './replay-stage.ts';
import { quoted } from './statements.ts';

const { escapeIdentifier, escapeLiteral } = pg;

/** Rows of one transaction; a window with more rows is swapped in one transaction too. */
const rowsAtOnce = 20_000;

interface Piece {
  /** ISO times: `from ≤ time < to`. */
  from: string;
  to: string;
  rows: number;
}

export interface SwapOptions {
  db: pg.ClientBase;
  id: number;
  mapping: CuratedMapping;
  /** The topic whose ledger counts the table's rows. */
  topic: string;
  signal: AbortSignal;
  /** After each transaction, with the rows that are swapped so far. */
  onSwapped(rows: number): void;
}

/**
 * Replaces rows of the curated table by the staged rows. A transaction takes whole windows of event time, some thousand rows,
 * with the aggregates that these rows touch: a reader sees a window before the replay or after it, never half of it. Called
 * again after an error, it continues behind the last transaction that was committed.
 * @throws pg.DatabaseError; the signal's reason, between two transactions
 */
export async function swapReplayIn(options: SwapOptions): Promise<void> {
  const { db, id, mapping, signal, onSwapped } = options;
  let swapped = 0;
  for (const piece of await piecesOf(db, id, mapping)) {
    signal.throwIfAborted();
    await swapPiece(options, piece);
    swapped += piece.rows;
    onSwapped(swapped);
  }
}

/** How many staged rows are still to be swapped. */
export async function rowsToSwap(db: pg.ClientBase, id: number, mapping: CuratedMapping): Promise<number> {
  return (await piecesOf(db, id, mapping)).reduce((sum, { rows }) => sum + rows, 0);
}

async function piecesOf(db: pg.ClientBase, id: number, mapping: CuratedMapping): Promise<Piece[]> {
  const time = escapeIdentifier(timeColumn(mapping));
  const { rows: windows } = await db.query<{ start: Date; rows: number }>(
    `SELECT date_bin('${windowMs} milliseconds', ${time}, timestamptz '1970-01-01 00:00:00+00') AS start, count(*)::integer AS rows
     FROM ${quoted(stageTable(id))}
     WHERE ${time} >= coalesce((SELECT swapped_until FROM windrow.replay WHERE id = $1), '-infinity')
     GROUP BY 1 ORDER BY 1`,
    [id],
  );
  const pieces: Piece[] = [];
  for (const { start, rows } of windows) {
    const last = pieces.at(-1);
    const to = new Date(start.getTime() + windowMs).toISOString();
    if (last && last.rows + rows <= rowsAtOnce) Object.assign(last, { to, rows: last.rows + rows });
    else pieces.push({ from: start.toISOString(), to, rows });
  }
  return pieces;
}

function timeColumn({ partitionByDay, columns }: CuratedMapping): string {
  return partitionByDay ?? columns.find(({ type }) => type === 'timestamptz')?.name ?? '';
}

async function swapPiece({ db, id, mapping, topic }: SwapOptions, piece: Piece): Promise<void> {
  await db.query('BEGIN');
  try {
    const aggregates = mapping.aggregates ?? [];
    // Without the lock, a sink that adds to the sums at the same time would add to sums that are being replaced.
    if (aggregates.length > 0) {
      const tables = aggregates.map(({ table }) => quoted(table)).sort();
      await db.query(`LOCK TABLE ${tables.join(', ')} IN SHARE ROW EXCLUSIVE MODE`);
    }
    for (const statement of swapStatements(mapping, id, piece)) await db.query(statement);
    for (const aggregate of aggregates)
      for (const statement of aggregateStatements(mapping, aggregate, id, piece)) await db.query(statement);
    await db.query(ledgerStatement, [topic]);
    await db.query('UPDATE windrow.replay SET swapped_until = $2 WHERE id = $1', [id, piece.to]);
    await failpoint('replay.swap.beforeCommit');
    await db.query('COMMIT');
  } catch (error) {
    await db.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
  await failpoint('replay.swap.afterCommit');
}

const changed = 'pg_temp.replay_changed';
const touched = 'pg_temp.replay_touched';
const summed = 'pg_temp.replay_summed';

/**
 * Deletes old rows and inserts new ones. A row that would not change is left alone: writing it again would cost as much as a
 * change, and leave a dead tuple.
 */
function swapStatements(mapping: CuratedMapping, id: number, piece: Piece): string[] {
  const columns = mapping.columns.map(({ name }) => escapeIdentifier(name));
  const typed = mapping.columns.map(({ name, type }) => `${escapeIdentifier(name)} ${type}`);
  const of = (row: string) => columns.map((name) => `${row}.${name}`).join(', ');
  const table = quoted(mapping.table);
  const staged = quoted(stageTable(id));
  const key = mapping.key.map(escapeIdentifier);
  const sameKey = key.map((name) => `landed.${name} = staged.${name}`).join(' AND ');
  const both = `${sameKey} AND ${within(mapping, piece, 'landed.')} AND ${within(mapping, piece, 'staged.')}`;
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
     WHERE NOT staged._replay_withdrawn AND ${within(mapping, piece, 'staged.')}
       AND NOT EXISTS (SELECT FROM ${table} AS landed WHERE ${sameKey} AND ${within(mapping, piece, 'landed.')})
     ORDER BY ${key.map((name) => `staged.${name}`).join(', ')}, staged.ctid`,
    `INSERT INTO ${table} (${columns.join(', ')}) SELECT ${columns.join(', ')} FROM ${changed} WHERE _rows = 1
     ON CONFLICT (${key.join(', ')}) DO NOTHING`,
  ];
}

/** Sums all groups that lost or got a row again, from the rows that the table has now. */
function aggregateStatements(
  mapping: CuratedMapping,
  { table, groupBy, sums, spanMs }: CuratedAggregate,
  id: number,
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
           SELECT ${columns} FROM ${quoted(stageTable(id))} WHERE NOT _replay_withdrawn AND ${within(mapping, piece)}) AS changed`,
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
const ledgerStatement = `
  WITH change AS (SELECT _replay_partition AS partition, sum(_rows) AS net FROM ${changed} GROUP BY 1)
  UPDATE windrow.sink_offset AS ledger
  SET rows = ledger.rows + change.net, replayed = ledger.replayed + change.net
  FROM change WHERE ledger.topic = $1 AND ledger.partition = change.partition AND change.net <> 0`;

function within(mapping: CuratedMapping, { from, to }: Piece, of = ''): string {
  const time = `${of}${escapeIdentifier(timeColumn(mapping))}`;
  return `${time} >= ${escapeLiteral(from)}::timestamptz AND ${time} < ${escapeLiteral(to)}::timestamptz`;
}

/** All rows that may belong to the same group as a row of the piece. */
function around(mapping: CuratedMapping, { from, to }: Piece, spanMs: number): string {
  const start = Math.floor(Date.parse(from) / spanMs) * spanMs;
  const end = Math.ceil(Date.parse(to) / spanMs) * spanMs;
  return within(mapping, { from: new Date(start).toISOString(), to: new Date(end).toISOString(), rows: 0 });
}
