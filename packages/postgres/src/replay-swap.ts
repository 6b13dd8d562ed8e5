import { type CuratedMapping, windowMs } from '@windrow/contracts';
import { failpoint } from '@windrow/runtime';
import pg from 'pg';
import { DayPartitions } from './day-partitions.ts';
import { rejectRows } from './replay-rejections.ts';
import { stageTable, timeColumn, undoTable } from './replay-stage.ts';
import {
  aggregateStatements,
  ledgerStatement,
  type Piece,
  rowStatements,
  stagedIn,
  undoStatements,
} from './replay-statements.ts';
import { quoted } from './statements.ts';

const { escapeIdentifier } = pg;

/** Rows of one transaction; a window with more rows is swapped in one transaction too. */
const rowsAtOnce = 20_000;
const dayMs = 86_400_000;

interface CountedPiece extends Piece {
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
 * again after an error, it continues behind the last transaction that was committed. A row that Postgres rejects is left out, as
 * the sink leaves it out. Each transaction stores the rows that it replaces, so that {@link swapReplayBack} can restore them.
 * @throws pg.DatabaseError; the signal's reason, between two transactions
 */
export async function swapReplayIn(options: SwapOptions): Promise<void> {
  const { db, id, mapping, signal, onSwapped } = options;
  let swapped = 0;
  const pieces = await piecesOf(db, mapping, stageTable(id), await swappedUntil(db, id));
  const days = new DayPartitions(mapping.table);
  for (const piece of pieces) {
    signal.throwIfAborted();
    // Partitions that were dropped after the rows were staged.
    if (mapping.partitionByDay !== undefined) await days.ensure(db, await daysOf(db, mapping, id, piece));
    await inTransaction(options, async () => {
      await db.query('SAVEPOINT swap');
      try {
        await applyPiece(options, stageTable(id), piece);
      } catch (error) {
        await rejectRows(options, piece, error, (part) => applyPiece(options, stageTable(id), part));
        await applyPiece(options, stageTable(id), piece);
      }
      for (const statement of undoStatements(mapping, undoTable(id))) await db.query(statement);
      await db.query('UPDATE windrow.replay SET swapped_until = $2 WHERE id = $1', [id, piece.to]);
      await failpoint('replay.swap.beforeCommit');
    });
    await failpoint('replay.swap.afterCommit');
    swapped += piece.rows;
    onSwapped(swapped);
  }
}

/**
 * Restores the rows that a replay has replaced, window by window. Called again after an error, it continues with the rows that
 * are not restored yet.
 * @throws pg.DatabaseError; the signal's reason, between two transactions
 */
export async function swapReplayBack(options: Omit<SwapOptions, 'onSwapped'>): Promise<void> {
  const { db, id, mapping, signal } = options;
  if (!(await exists(db, undoTable(id)))) return;
  for (const piece of await piecesOf(db, mapping, undoTable(id), '-infinity')) {
    signal.throwIfAborted();
    await inTransaction(options, async () => {
      await applyPiece(options, undoTable(id), piece);
      await db.query(`DELETE FROM ${quoted(undoTable(id))} AS staged WHERE ${stagedIn(mapping, piece)}`);
      // A replay that is resumed instead swaps all its rows again.
      await db.query('UPDATE windrow.replay SET swapped_until = NULL WHERE id = $1', [id]);
      await failpoint('replay.rollback.beforeCommit');
    });
    await failpoint('replay.rollback.afterCommit');
  }
}

async function inTransaction(
  { db, mapping: { aggregates = [] } }: Pick<SwapOptions, 'db' | 'mapping'>,
  work: () => Promise<void>,
): Promise<void> {
  await db.query('BEGIN');
  try {
    // Without the lock, a sink that adds to the sums at the same time would add to sums that are being replaced.
    if (aggregates.length > 0) {
      const tables = aggregates.map(({ table }) => quoted(table)).sort();
      await db.query(`LOCK TABLE ${tables.join(', ')} IN SHARE ROW EXCLUSIVE MODE`);
    }
    await work();
    await db.query('COMMIT');
  } catch (error) {
    await db.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

async function applyPiece(
  { db, mapping, topic }: Pick<SwapOptions, 'db' | 'mapping' | 'topic'>,
  staging: string,
  piece: Piece,
): Promise<void> {
  for (const statement of rowStatements(mapping, staging, piece)) await db.query(statement);
  for (const aggregate of mapping.aggregates ?? [])
    for (const statement of aggregateStatements(mapping, aggregate, staging, piece))
      await db.query(statement);
  await db.query(ledgerStatement, [topic]);
}

/** How many staged rows are still to be swapped. */
export async function rowsToSwap(db: pg.ClientBase, id: number, mapping: CuratedMapping): Promise<number> {
  const pieces = await piecesOf(db, mapping, stageTable(id), await swappedUntil(db, id));
  return pieces.reduce((sum, { rows }) => sum + rows, 0);
}

async function swappedUntil(db: pg.ClientBase, id: number): Promise<string> {
  const { rows } = await db.query<{ until: string }>(
    `SELECT coalesce(swapped_until, '-infinity')::text AS until FROM windrow.replay WHERE id = $1`,
    [id],
  );
  return rows[0]?.until ?? '-infinity';
}

async function piecesOf(
  db: pg.ClientBase,
  mapping: CuratedMapping,
  staging: string,
  from: string,
): Promise<CountedPiece[]> {
  const time = escapeIdentifier(timeColumn(mapping));
  const { rows: windows } = await db.query<{ start: Date; rows: number }>(
    `SELECT date_bin('${windowMs} milliseconds', ${time}, timestamptz '1970-01-01 00:00:00+00') AS start, count(*)::integer AS rows
     FROM ${quoted(staging)} WHERE ${time} >= $1 GROUP BY 1 ORDER BY 1`,
    [from],
  );
  const pieces: CountedPiece[] = [];
  for (const { start, rows } of windows) {
    const last = pieces.at(-1);
    const to = new Date(start.getTime() + windowMs).toISOString();
    if (last && last.rows + rows <= rowsAtOnce) Object.assign(last, { to, rows: last.rows + rows });
    else pieces.push({ from: start.toISOString(), to, rows });
  }
  return pieces;
}

async function daysOf(
  db: pg.ClientBase,
  mapping: CuratedMapping,
  id: number,
  piece: Piece,
): Promise<number[]> {
  const time = escapeIdentifier(timeColumn(mapping));
  const { rows } = await db.query<{ day: Date }>(
    `SELECT DISTINCT date_bin('1 day', ${time}, timestamptz '1970-01-01 00:00:00+00') AS day
     FROM ${quoted(stageTable(id))} AS staged WHERE NOT _replay_withdrawn AND ${stagedIn(mapping, piece)}`,
  );
  return rows.map(({ day }) => Math.floor(day.getTime() / dayMs));
}

async function exists(db: pg.ClientBase, table: string): Promise<boolean> {
  const { rows } = await db.query<{ there: boolean }>('SELECT to_regclass($1) IS NOT NULL AS there', [
    quoted(table),
  ]);
  return rows[0]?.there === true;
}
