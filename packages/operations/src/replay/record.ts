import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import type { StreamContract } from '@windrow/contracts';
import type { UploadedFiles } from '@windrow/lake';
import { WindrowError } from '@windrow/runtime';
import type pg from 'pg';
import packageJson from '../../package.json' with { type: 'json' };
import type { OffsetRange } from './offset-ranges.ts';
import type { Selection } from './selection.ts';

export type Target = 'lake' | 'postgres' | 'both';
/** `staging` and `staged`: nothing has changed, and it can be cancelled. `swapping`: it can only go on. */
export type ReplayState = 'staging' | 'staged' | 'swapping' | 'done' | 'cancelled';

export interface ReplayCounts {
  /** Records of the range. */
  read: number;
  /** Rows made anew. */
  rows: number;
  /** Of those, rows that an earlier replay had withdrawn. */
  restored: number;
  /** Rows taken away, because today's rules refuse their events: dead letters now. */
  withdrawn: number;
  duplicates: number;
  /** Refused then and refused now. */
  refused: number;
  /** Refused then, and sent again: they land on the ordinary way. */
  resent: number;
}

/** What is staged in the lake. */
export interface LakeStaged {
  uploads: readonly UploadedFiles[];
  /** Partition, rows. */
  added: [number, number][];
}

/** A line of `windrow.replay`. */
export interface ReplayRecord {
  id: number;
  stream: string;
  target: Target;
  state: ReplayState;
  selection: Selection;
  ranges: OffsetRange[];
  /** Partition, offset; of the enriched topic. */
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

/** Newest first. */
export async function listReplays(db: pg.Client, limit: number): Promise<ReplayRecord[]> {
  const { rows } = await db.query<ReplayRecord>(
    `SELECT ${columns} FROM windrow.replay ORDER BY id DESC LIMIT $1`,
    [limit],
  );
  return rows;
}

/** @throws WindrowError USAGE where there is none */
export async function readReplay(db: pg.Client, id: number): Promise<ReplayRecord> {
  const { rows } = await db.query<ReplayRecord>(`SELECT ${columns} FROM windrow.replay WHERE id = $1`, [id]);
  if (rows[0]) return rows[0];
  throw new WindrowError('USAGE', `there is no replay ${id}; see: windrow replay list`);
}

/** The stream's replay that has begun and not ended. */
export async function unfinishedReplay(db: pg.Client, stream: string): Promise<ReplayRecord | undefined> {
  const { rows } = await db.query<ReplayRecord>(
    `SELECT ${columns} FROM windrow.replay WHERE stream = $1 AND state NOT IN ('done', 'cancelled') ORDER BY id LIMIT 1`,
    [stream],
  );
  return rows[0];
}

export type NewReplay = Pick<
  ReplayRecord,
  'target' | 'selection' | 'ranges' | 'landed' | 'lakeVersionBefore'
>;

export async function insertReplay(
  db: pg.Client,
  contract: StreamContract,
  replay: NewReplay,
): Promise<ReplayRecord> {
  const { rows } = await db.query<ReplayRecord>(
    `INSERT INTO windrow.replay
       (stream, target, state, selection, ranges, landed, started_by, windrow_version, contract_hash, lake_version_before)
     VALUES ($1, $2, 'staging', $3, $4, $5, $6, $7, $8, $9) RETURNING ${columns}`,
    [
      contract.name,
      replay.target,
      JSON.stringify(replay.selection),
      JSON.stringify(replay.ranges),
      JSON.stringify(replay.landed),
      `${userInfo().username}@${hostname()}`,
      packageJson.version,
      contractHash(contract.directory),
      replay.lakeVersionBefore,
    ],
  );
  return rows[0]!;
}

/** Sets what is given. */
export async function updateReplay(
  db: pg.Client,
  id: number,
  set: {
    state?: ReplayState;
    lakeEpoch?: number;
    lakeStaged?: LakeStaged | null;
    lakeVersion?: number;
    counts?: ReplayCounts;
  },
): Promise<void> {
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

/** SHA-256 of all files of a stream's folder, with their names, in their order. */
export function contractHash(directory: string): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort()) {
    const file = join(directory, name);
    if (statSync(file).isFile()) hash.update(`${name}\n`).update(readFileSync(file));
  }
  return hash.digest('hex');
}
