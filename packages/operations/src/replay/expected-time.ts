import type pg from 'pg';

/** Of a stream that was never replayed. */
const eventsPerSecond = 10_000;
/** Opening readers and commits, whatever the size. */
const overheadSeconds = 5;

/** How long a replay of so many events should take, by the largest one of the stream so far. */
export async function expectedSeconds(db: pg.Client, stream: string, events: number): Promise<number> {
  const { rows } = await db.query<{ rate: number | null }>(
    `SELECT (counts->>'read')::float8 / nullif(extract(epoch FROM finished_at - started_at)::float8 - $2, 0) AS rate
     FROM windrow.replay WHERE stream = $1 AND state = 'done' AND finished_at > started_at + $2 * interval '1 second'
     ORDER BY (counts->>'read')::bigint DESC LIMIT 1`,
    [stream, overheadSeconds],
  );
  return overheadSeconds + events / (rows[0]?.rate ?? eventsPerSecond);
}
