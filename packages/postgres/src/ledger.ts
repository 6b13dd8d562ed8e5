import type { TopicPartition } from '@windrow/contracts';
import type pg from 'pg';

/** The ledger entry of one partition. */
export interface LedgerEntry extends TopicPartition {
  /** All events before this offset are committed. */
  nextOffset: number;
  /** Accepted events that were applied, including those that the table already had. */
  rows: number;
  /** Accepted events that Postgres rejected: dead letters with stage `postgres`. */
  rejected: number;
  /** Rows that replays have added less those that they have removed; `rows` includes them. */
  replayed: number;
}

/** The change of one partition's entry by a micro-batch. */
export interface LedgerStep {
  partition: number;
  /** The offset that the ledger must have for the step to be applied. */
  expected: number;
  next: number;
  rows: number;
  rejected: number;
}

interface LedgerRow {
  topic: string;
  partition: number;
  next_offset: string;
  rows: string;
  rejected: string;
  replayed: string;
}

const entryOf = (row: LedgerRow): LedgerEntry => ({
  topic: row.topic,
  partition: row.partition,
  nextOffset: Number(row.next_offset),
  rows: Number(row.rows),
  rejected: Number(row.rejected),
  replayed: Number(row.replayed),
});

const columns = 'topic, partition, next_offset, rows, rejected, replayed';

/** The ledger of one topic, or the whole ledger. */
export async function readLedger(db: pg.ClientBase | pg.Pool, topic?: string): Promise<LedgerEntry[]> {
  const { rows } = await db.query<LedgerRow>(
    `SELECT ${columns} FROM windrow.sink_offset WHERE topic = coalesce($1, topic) ORDER BY topic, partition`,
    [topic ?? null],
  );
  return rows.map(entryOf);
}

/** The entries of these partitions. Missing entries are created with the offsets of `starts`. */
export async function openLedger(
  db: pg.ClientBase,
  topic: string,
  starts: Map<number, number>,
): Promise<LedgerEntry[]> {
  const partitions = [...starts.keys()].sort((a, b) => a - b);
  const offsets = partitions.map((partition) => starts.get(partition));
  await db.query(
    `INSERT INTO windrow.sink_offset (topic, partition, next_offset)
     SELECT $1, * FROM unnest($2::integer[], $3::bigint[]) ON CONFLICT DO NOTHING`,
    [topic, partitions, offsets],
  );
  const { rows } = await db.query<LedgerRow>(
    `SELECT ${columns} FROM windrow.sink_offset WHERE topic = $1 AND partition = ANY ($2) ORDER BY partition`,
    [topic, partitions],
  );
  return rows.map(entryOf);
}

/**
 * Applies the steps if the ledger has the offsets that they expect. Entries are locked in order, so that two writers can't
 * deadlock here.
 * @returns false if any offset differs; then roll the transaction back
 */
export async function advanceLedger(db: pg.ClientBase, topic: string, steps: LedgerStep[]): Promise<boolean> {
  const of = (value: (step: LedgerStep) => number) => steps.map(value);
  const { rowCount } = await db.query(
    `WITH step AS (
       SELECT * FROM unnest($2::integer[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
         AS step (partition, expected, next, rows, rejected)
     ), owned AS (
       SELECT ledger.partition FROM windrow.sink_offset AS ledger JOIN step USING (partition)
       WHERE ledger.topic = $1 AND ledger.next_offset = step.expected
       ORDER BY ledger.partition FOR UPDATE OF ledger
     )
     UPDATE windrow.sink_offset AS ledger
     SET next_offset = step.next, rows = ledger.rows + step.rows, rejected = ledger.rejected + step.rejected,
         updated_at = now()
     FROM step, owned
     WHERE ledger.topic = $1 AND ledger.partition = step.partition AND owned.partition = step.partition
       AND ledger.next_offset = step.expected`,
    [
      topic,
      of((step) => step.partition),
      of((step) => step.expected),
      of((step) => step.next),
      of((step) => step.rows),
      of((step) => step.rejected),
    ],
  );
  return rowCount === steps.length;
}

/** Whether the ledger has the result of these steps, so that a commit without a response has succeeded. */
export async function hasAdvanced(db: pg.ClientBase, topic: string, steps: LedgerStep[]): Promise<boolean> {
  const { rows } = await db.query<LedgerRow>(
    `SELECT ${columns} FROM windrow.sink_offset WHERE topic = $1 AND partition = ANY ($2)`,
    [topic, steps.map(({ partition }) => partition)],
  );
  const at = new Map(rows.map((row) => [row.partition, Number(row.next_offset)]));
  return steps.every(({ partition, next }) => at.get(partition) === next);
}
