import { WindrowError } from '@windrow/runtime';
import { AcceptedEvents } from './accepted-events.ts';
import { LakeScan } from './lake-scan.ts';
import { type Landed, landedSoFar } from './landed.ts';
import type { OffsetRanges } from './offset-ranges.ts';
import { type RawSources, sourcesOf } from './raw-events.ts';
import type { Target } from './record.ts';
import { offsetsOf, type Selection } from './selection.ts';
import type { ReplayedStream, Session } from './session.ts';

/** What a replay would read and replace. */
export interface ReplayPlan {
  selection: Selection;
  target: Target;
  ranges: OffsetRanges;
  landed: Landed;
  raw: LakeScan;
  curated: LakeScan;
  accepted: AcceptedEvents;
  sources: RawSources;
  /** Files of the curated table that hold rows of the range. */
  files: number;
}

interface Planning {
  signal: AbortSignal;
  note(line: string): void;
}

/**
 * Changes nothing.
 * @throws WindrowError USAGE, REPLAY_IMPOSSIBLE, TIMED_OUT where the sinks don't keep up
 */
export async function planReplay(
  session: Session,
  stream: ReplayedStream,
  { selection, target }: { selection: Selection; target: Target },
  { signal, note }: Planning,
): Promise<ReplayPlan> {
  const { installation } = session;
  const { contract, curatedPath } = stream;
  assertTarget(stream, target);
  const landed = await landedSoFar(installation, contract, signal, note);
  const raw = await LakeScan.open(installation.lake, contract.lake.raw);
  const curated = await LakeScan.open(installation.lake, curatedPath);
  const ranges = await offsetsOf(selection, { installation, contract, raw, curated }, landed.raw);
  return { selection, target, ...(await whatIsThere(session, stream, { ranges, landed, raw, curated })) };
}

/** The rest of a plan, as it is now. */
export async function whatIsThere(
  { installation, db }: Session,
  { contract }: ReplayedStream,
  { ranges, landed, raw, curated }: Pick<ReplayPlan, 'ranges' | 'landed' | 'raw' | 'curated'>,
): Promise<Omit<ReplayPlan, 'selection' | 'target'>> {
  const { rows: withdrawn } = await db.query<{
    partition: number;
    rawOffset: number;
    landedOffset: number;
    ingestedAtMs: number;
  }>(
    `SELECT partition, raw_offset::float8 AS "rawOffset", landed_offset::float8 AS "landedOffset",
       extract(epoch FROM ingested_at)::float8 * 1000 AS "ingestedAtMs"
     FROM windrow.replay_withdrawn WHERE stream = $1`,
    [contract.name],
  );
  const accepted = await AcceptedEvents.read(curated, ranges, withdrawn);
  const sources = await sourcesOf(installation, contract, ranges, raw, accepted);
  const files = curated.filesWhere((bounds) => bounds.mayHoldSome(ranges, '_raw_offset')).length;
  return { ranges, landed, raw, curated, accepted, sources, files };
}

function assertTarget({ contract }: ReplayedStream, target: Target): void {
  if (target === 'lake') return;
  const { curated, name } = contract;
  const reason =
    curated === undefined
      ? 'has no table in Postgres'
      : curated.onConflict === 'replace'
        ? 'has a table in Postgres where the last one of a key wins, which a part of the events can not decide'
        : undefined;
  if (reason === undefined) return;
  throw new WindrowError('USAGE', `${name} ${reason}: add --target lake`);
}
