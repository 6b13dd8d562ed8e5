import type pg from 'pg';

/** An event that the enricher accepted, and whose row a replay removed because its rules rejected the event. */
export interface WithdrawnEvent {
  partition: number;
  /** In the raw topic. */
  rawOffset: number;
  /** In the topic that the sinks read. */
  landedOffset: number;
  ingestedAtMs: number;
}

/** Remembers a withdrawn event, so that a later replay that accepts it can make its row again. */
export async function recordWithdrawn(
  db: pg.ClientBase,
  stream: string,
  { partition, rawOffset, landedOffset, ingestedAtMs }: WithdrawnEvent,
): Promise<void> {
  await db.query(
    `INSERT INTO windrow.replay_withdrawn (stream, partition, raw_offset, landed_offset, ingested_at)
     VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
    [stream, partition, rawOffset, landedOffset, new Date(ingestedAtMs)],
  );
}

export async function withdrawnEvents(db: pg.ClientBase, stream: string): Promise<WithdrawnEvent[]> {
  const { rows } = await db.query<WithdrawnEvent>(
    `SELECT partition, raw_offset::float8 AS "rawOffset", landed_offset::float8 AS "landedOffset",
       extract(epoch FROM ingested_at)::float8 * 1000 AS "ingestedAtMs"
     FROM windrow.replay_withdrawn WHERE stream = $1`,
    [stream],
  );
  return rows;
}
