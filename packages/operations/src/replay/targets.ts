import { WindrowError } from '@windrow/runtime';
import { LakeTarget } from './lake-target.ts';
import { PostgresTarget } from './postgres-target.ts';
import type { ReplayRecord } from './replay-record.ts';
import type { ReplayTarget } from './replay-target.ts';
import type { ReplayedStream, Session } from './session.ts';

/** The destinations whose rows a replay replaces, as a user names them. */
export type TargetChoice = ReplayRecord['target'];

const names = { lake: ['lake'], postgres: ['postgres'], both: ['postgres', 'lake'] } as const;
export type TargetName = (typeof names)[TargetChoice][number];

/**
 * The targets in the order in which a replay publishes them. The lake's commit is the last step, because it can't be taken back:
 * until then, Postgres can restore the rows that it has replaced.
 */
export const targetNames = (choice: TargetChoice): readonly TargetName[] => names[choice];

export async function openTargets(
  { installation, db }: Session,
  stream: ReplayedStream,
  { id, target }: ReplayRecord,
): Promise<ReplayTarget[]> {
  const targets: ReplayTarget[] = [];
  for (const name of targetNames(target)) {
    if (name === 'lake') targets.push(await LakeTarget.open(installation.lake, stream));
    else targets.push(new PostgresTarget(db, id, stream, replayableMapping(stream)));
  }
  return targets;
}

/** @throws WindrowError USAGE when one of the targets can't be replayed */
export function assertReplayable(stream: ReplayedStream, choice: TargetChoice): void {
  if (targetNames(choice).includes('postgres')) replayableMapping(stream);
}

function replayableMapping({ contract: { name, curated } }: ReplayedStream) {
  const reason =
    curated === undefined
      ? 'has no table in Postgres'
      : 'has a table in Postgres that keeps only the newest event of each key, which may be outside of the range';
  if (curated && curated.onConflict !== 'replace') return curated;
  throw new WindrowError('USAGE', `${name} ${reason}: add --target lake`);
}
