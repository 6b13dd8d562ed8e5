import { withdrawnEvents } from '@windrow/postgres';
import { AcceptedEvents } from './accepted-events.ts';
import { LakeScan } from './lake-scan.ts';
import { type Landed, landedSoFar } from './landed.ts';
import type { OffsetRanges } from './offset-ranges.ts';
import { type RawSources, sourcesOf } from './raw-events.ts';
import { offsetsOf, type Selection } from './selection.ts';
import type { ReplayedStream, Session } from './session.ts';
import { assertReplayable, type TargetChoice } from './targets.ts';

/** What a replay will read and replace. */
export interface ReplayPlan {
  selection: Selection;
  target: TargetChoice;
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
 * Plans a replay. It changes nothing.
 * @throws WindrowError USAGE, REPLAY_IMPOSSIBLE; TIMED_OUT when the sinks are too far behind
 */
export async function planReplay(
  session: Session,
  stream: ReplayedStream,
  { selection, target }: { selection: Selection; target: TargetChoice },
  { signal, note }: Planning,
): Promise<ReplayPlan> {
  const { installation } = session;
  const { contract, curatedPath } = stream;
  assertReplayable(stream, target);
  const landed = await landedSoFar(installation, contract, signal, note);
  const raw = await LakeScan.open(installation.lake, contract.lake.raw);
  const curated = await LakeScan.open(installation.lake, curatedPath);
  const ranges = await offsetsOf(selection, { installation, contract, raw, curated }, landed.raw);
  return { selection, target, ...(await whatIsThere(session, stream, { ranges, landed, raw, curated })) };
}

/** Finds the accepted events and their sources now. A resumed replay does this again. */
export async function whatIsThere(
  { installation, db }: Session,
  { contract }: ReplayedStream,
  { ranges, landed, raw, curated }: Pick<ReplayPlan, 'ranges' | 'landed' | 'raw' | 'curated'>,
): Promise<Omit<ReplayPlan, 'selection' | 'target'>> {
  const withdrawn = await withdrawnEvents(db, contract.name);
  const accepted = await AcceptedEvents.read(curated, ranges, withdrawn);
  const sources = await sourcesOf(installation, contract, ranges, raw, accepted);
  const files = curated.filesWhere((bounds) => bounds.mayHoldSome(ranges, '_raw_offset')).length;
  return { ranges, landed, raw, curated, accepted, sources, files };
}
