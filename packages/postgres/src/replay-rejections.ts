import type { CuratedMapping } from '@windrow/contracts';
import type pg from 'pg';
import { rejectionReasonOf } from './database-error.ts';
import { messageOf, stageTable } from './replay-stage.ts';
import { type Piece, stagedIn } from './replay-statements.ts';
import { quoted } from './statements.ts';

interface Rejection {
  /** The row's place in the staging table. */
  ctid: string;
  reason: string;
  message: string;
}

interface Trial {
  db: pg.ClientBase;
  id: number;
  mapping: CuratedMapping;
}

/**
 * Finds the staged rows because of which Postgres rejects a piece, and marks them as withdrawn, with the reason. It tries the
 * statements of the swap themselves, with halves of the rows, and their halves, until only the rejected rows remain. So every
 * index, constraint, trigger and aggregate counts. Runs in the transaction of the piece, after SAVEPOINT swap.
 * @throws the error of the piece if it is not about rows, or if no row is rejected alone
 */
export async function rejectRows(
  { db, id, mapping }: Trial,
  piece: Piece,
  error: unknown,
  apply: (part: Piece) => Promise<void>,
): Promise<void> {
  if (rejectionReasonOf(error) === null) throw error;
  await db.query('ROLLBACK TO SAVEPOINT swap');
  const table = quoted(stageTable(id));
  const { rows } = await db.query<{ ctid: string }>(
    `SELECT ctid::text AS ctid FROM ${table} AS staged WHERE NOT _replay_withdrawn AND ${stagedIn(mapping, piece)} ORDER BY staged.ctid`,
  );
  const places = rows.map(({ ctid }) => ctid);
  const rejections: Rejection[] = [];
  /** Rows that pass stay applied, because a sum may be out of range only together with them. */
  const tryRows = async (from: number, to: number): Promise<void> => {
    const [first, last] = [places[from], places[to - 1]];
    if (first === undefined || last === undefined) return;
    await db.query('SAVEPOINT trial');
    try {
      await apply({ ...piece, part: { first, last } });
      await db.query('RELEASE SAVEPOINT trial');
    } catch (cause) {
      const reason = rejectionReasonOf(cause);
      if (reason === null) throw cause;
      await db.query('ROLLBACK TO SAVEPOINT trial; RELEASE SAVEPOINT trial');
      if (to - from === 1) {
        rejections.push({ ctid: first, reason, message: messageOf(cause) });
        return;
      }
      const middle = (from + to) >>> 1;
      await tryRows(from, middle);
      await tryRows(middle, to);
    }
  };
  await tryRows(0, places.length);
  if (rejections.length === 0) throw error;
  await db.query('ROLLBACK TO SAVEPOINT swap');
  const of = (value: (rejection: Rejection) => string) => rejections.map(value);
  await db.query(
    `UPDATE ${table} AS staged
     SET _replay_withdrawn = true, _replay_reason = rejected.reason, _replay_message = rejected.message
     FROM unnest($1::text[], $2::text[], $3::text[]) AS rejected (place, reason, message)
     WHERE staged.ctid = rejected.place::tid`,
    [of(({ ctid }) => ctid), of(({ reason }) => reason), of(({ message }) => message)],
  );
}
