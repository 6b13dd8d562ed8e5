import type pg from 'pg';

/** `swapping`: Postgres has some of the new rows. The replay can be cancelled until the lake has committed them, too. */
export type ReplayState = 'staging' | 'staged' | 'swapping' | 'done' | 'cancelled';

export interface ReplayCounts {
  /** Records of the range. */
  read: number;
  /** Rows made again. */
  rows: number;
  /** Of those, rows that an earlier replay had withdrawn. */
  restored: number;
  /** Rows removed because the rules of today reject their events, which are dead letters now. */
  withdrawn: number;
  duplicates: number;
  /** Events that were dead letters and are rejected again. */
  rejected: number;
  /** Events that were dead letters and are accepted now: sent to the raw topic again. */
  resent: number;
  /** Of the rows made again, those that Postgres has rejected. Known when the replay is done. */
  postgresRejected?: number;
}

/**
 * A row of `windrow.replay`. `Selection` and `LakeStaged` are JSON of the replay itself: what was asked for, and the files that
 * are staged in the lake.
 */
export interface ReplayRow<Selection, LakeStaged> {
  id: number;
  stream: string;
  target: 'lake' | 'postgres' | 'both';
  state: ReplayState;
  selection: Selection;
  /** Offsets of the raw topic: `from ≤ offset < to`. */
  ranges: { partition: number; from: number; to: number }[];
  /** Partition and offset of the enriched topic: the end of what had landed when the replay was planned. */
  landed: [number, number][];
  startedBy: string;
  startedAt: string;
  finishedAt: string | null;
  windrowVersion: string;
  contractHash: string;
  lakeEpoch: number | null;
  lakeStaged: LakeStaged | null;
  lakeVersionBefore: number;
  lakeVersion: number | null;
  counts: Partial<ReplayCounts>;
}

const columns = `id::integer AS id, stream, target, state, selection, ranges, landed, started_by AS "startedBy",
  to_char(started_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS "startedAt", to_char(finished_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS "finishedAt",
  windrow_version AS "windrowVersion", contract_hash AS "contractHash", lake_epoch::integer AS "lakeEpoch", lake_staged AS "lakeStaged",
  lake_version_before::integer AS "lakeVersionBefore", lake_version::integer AS "lakeVersion", counts`;

/**
 * Locks the replays of a stream for as long as the connection lives.
 * @returns false where another connection holds the lock
 */
export async function lockReplays(db: pg.ClientBase, stream: string): Promise<boolean> {
  const { rows } = await db.query<{ locked: boolean }>(
    'SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS locked',
    [`windrow replay of ${stream}`],
  );
  return rows[0]?.locked === true;
}

/** Newest first. */
export async function listReplays<S, L>(db: pg.ClientBase, limit: number): Promise<ReplayRow<S, L>[]> {
  const { rows } = await db.query<ReplayRow<S, L>>(
    `SELECT ${columns} FROM windrow.replay ORDER BY id DESC LIMIT $1`,
    [limit],
  );
  return rows;
}

export async function findReplay<S, L>(db: pg.ClientBase, id: number): Promise<ReplayRow<S, L> | undefined> {
  const { rows } = await db.query<ReplayRow<S, L>>(`SELECT ${columns} FROM windrow.replay WHERE id = $1`, [
    id,
  ]);
  return rows[0];
}

/** The stream's replay that is neither done nor cancelled. */
export async function unfinishedReplay<S, L>(
  db: pg.ClientBase,
  stream: string,
): Promise<ReplayRow<S, L> | undefined> {
  const { rows } = await db.query<ReplayRow<S, L>>(
    `SELECT ${columns} FROM windrow.replay WHERE stream = $1 AND state NOT IN ('done', 'cancelled') ORDER BY id LIMIT 1`,
    [stream],
  );
  return rows[0];
}

export type NewReplay<S> = Pick<
  ReplayRow<S, unknown>,
  | 'stream'
  | 'target'
  | 'selection'
  | 'ranges'
  | 'landed'
  | 'startedBy'
  | 'windrowVersion'
  | 'contractHash'
  | 'lakeVersionBefore'
>;

/** @returns its id */
export async function insertReplay<S>(db: pg.ClientBase, replay: NewReplay<S>): Promise<number> {
  const { rows } = await db.query<{ id: number }>(
    `INSERT INTO windrow.replay
       (stream, target, state, selection, ranges, landed, started_by, windrow_version, contract_hash, lake_version_before)
     VALUES ($1, $2, 'staging', $3, $4, $5, $6, $7, $8, $9) RETURNING id::integer AS id`,
    [
      replay.stream,
      replay.target,
      JSON.stringify(replay.selection),
      JSON.stringify(replay.ranges),
      JSON.stringify(replay.landed),
      replay.startedBy,
      replay.windrowVersion,
      replay.contractHash,
      replay.lakeVersionBefore,
    ],
  );
  const [inserted] = rows;
  if (!inserted) throw new TypeError('INSERT … RETURNING gave no row');
  return inserted.id;
}

/** Columns that a replay sets while it runs. Those that are not given keep their values. */
export interface ReplayUpdate<L> {
  state?: ReplayState;
  lakeEpoch?: number;
  lakeStaged?: L | null;
  lakeVersion?: number;
  counts?: Partial<ReplayCounts>;
}

export async function updateReplay<L>(db: pg.ClientBase, id: number, set: ReplayUpdate<L>): Promise<void> {
  const isOver = set.state === 'done' || set.state === 'cancelled';
  await db.query(
    `UPDATE windrow.replay SET state = coalesce($2, state), lake_epoch = coalesce($3, lake_epoch),
       lake_staged = CASE WHEN $4 THEN $5::jsonb ELSE lake_staged END, lake_version = coalesce($6, lake_version),
       counts = coalesce($7, counts), finished_at = CASE WHEN $8 THEN now() ELSE finished_at END
     WHERE id = $1`,
    [
      id,
      set.state ?? null,
      set.lakeEpoch ?? null,
      set.lakeStaged !== undefined,
      set.lakeStaged ? JSON.stringify(set.lakeStaged) : null,
      set.lakeVersion ?? null,
      set.counts ? JSON.stringify(set.counts) : null,
      isOver,
    ],
  );
}

/**
 * Events a second of the stream's largest finished replay, without the time that every replay takes.
 * @returns undefined for a stream without one
 */
export async function replayRate(
  db: pg.ClientBase,
  stream: string,
  overheadSeconds: number,
): Promise<number | undefined> {
  const { rows } = await db.query<{ rate: number | null }>(
    `SELECT (counts->>'read')::float8 / nullif(extract(epoch FROM finished_at - started_at)::float8 - $2, 0) AS rate
     FROM windrow.replay WHERE stream = $1 AND state = 'done' AND finished_at > started_at + $2 * interval '1 second'
     ORDER BY (counts->>'read')::bigint DESC LIMIT 1`,
    [stream, overheadSeconds],
  );
  return rows[0]?.rate ?? undefined;
}

export interface ReplaysInState {
  stream: string;
  state: ReplayState;
  replays: number;
  /** Rows that these replays have made again. */
  rows: number;
}

/** Counts the replays of each stream and state, for metrics. */
export async function countReplays(db: pg.ClientBase): Promise<ReplaysInState[]> {
  const { rows } = await db.query<ReplaysInState>(
    `SELECT stream, state, count(*)::float8 AS replays, coalesce(sum((counts->>'rows')::bigint), 0)::float8 AS rows
     FROM windrow.replay GROUP BY stream, state`,
  );
  return rows;
}
