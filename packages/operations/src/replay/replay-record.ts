import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import type { StreamContract } from '@windrow/contracts';
import type { UploadedFiles } from '@windrow/lake';
import {
  type Connection,
  findReplay,
  insertReplay,
  listReplays as listReplayRows,
  type ReplayRow,
  type ReplayUpdate,
} from '@windrow/postgres';
import { WindrowError } from '@windrow/runtime';
import packageJson from '../../package.json' with { type: 'json' };
import type { Selection } from './selection.ts';

/** Files that are staged in the lake. */
export interface LakeStaged {
  uploads: readonly UploadedFiles[];
  /** Partition and number of rows. */
  added: [number, number][];
}

/** The record of a replay in Postgres. */
export type ReplayRecord = ReplayRow<Selection, LakeStaged>;
/** The fields of the record that a target writes. */
export type TargetState = Pick<ReplayUpdate<LakeStaged>, 'lakeEpoch' | 'lakeStaged' | 'lakeVersion'>;

/** The replays, newest first. */
export const listReplays = (db: Connection, limit: number): Promise<ReplayRecord[]> =>
  listReplayRows(db, limit);

/** @throws WindrowError USAGE for an unknown id */
export async function readReplay(db: Connection, id: number): Promise<ReplayRecord> {
  const record: ReplayRecord | undefined = await findReplay(db, id);
  if (record) return record;
  throw new WindrowError('USAGE', `there is no replay ${id}; see: windrow replay list`);
}

/** Records a replay that starts, with the user who started it and a hash of the contract. */
export async function createReplay(
  db: Connection,
  contract: StreamContract,
  replay: Pick<ReplayRecord, 'target' | 'selection' | 'ranges' | 'landed' | 'lakeVersionBefore'>,
): Promise<ReplayRecord> {
  const id = await insertReplay(db, {
    ...replay,
    stream: contract.name,
    startedBy: `${userInfo().username}@${hostname()}`,
    windrowVersion: packageJson.version,
    contractHash: contractHash(contract.directory),
  });
  return readReplay(db, id);
}

/** SHA-256 of all files of a stream's folder with their names, sorted by name. */
function contractHash(directory: string): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort()) {
    const file = join(directory, name);
    if (statSync(file).isFile()) hash.update(`${name}\n`).update(readFileSync(file));
  }
  return hash.digest('hex');
}
