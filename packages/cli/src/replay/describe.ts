import type { StreamContract } from '@windrow/contracts';
import type { ReplayPlan, ReplayRecord } from '@windrow/operations';
import { OffsetRanges, targetNames } from '@windrow/operations/replay';
import Table from 'cli-table3';
import { count, plainTable } from '../tables.ts';

/** What a replay would do, for people. */
export function planText(
  { curated: mapping, name }: StreamContract,
  { ranges, sources, accepted, files, curated, target }: ReplayPlan,
  seconds: number,
): string {
  if (ranges.isEmpty) return `nothing of ${name} is in that range`;
  const lines = new Table(plainTable(['', '']));
  lines.push(
    ['reads', `${count(ranges.count)} offsets: ${ranges}`],
    ['from Kafka', sources.kafka.isEmpty ? 'nothing' : `${count(sources.kafka.count)} offsets`],
    ['from the raw table', sources.lake.isEmpty ? 'nothing' : `${count(sources.lake.count)} events`],
    ['replaces', `${count(accepted.rows)} rows`],
  );
  const targets = targetNames(target);
  if (targets.includes('lake'))
    lines.push(['in the lake', `${curated.path}: ${count(files)} files of version ${curated.version}`]);
  if (targets.includes('postgres')) lines.push(['in Postgres', mapping?.table ?? '']);
  lines.push(['takes about', `${count(Math.ceil(seconds))} s`]);
  return lines.toString();
}

/** `27,004 events read, 27,004 rows made anew, lake version 7` */
export function outcome({ counts, state, lakeVersion }: ReplayRecord): string {
  const {
    read = 0,
    rows = 0,
    restored = 0,
    withdrawn = 0,
    duplicates = 0,
    rejected = 0,
    resent = 0,
    postgresRejected = 0,
  } = counts;
  const parts = [
    `${count(read)} events read`,
    `${count(rows)} rows made anew`,
    ...(restored > 0 ? [`${count(restored)} of them brought back`] : []),
    ...(withdrawn > 0 ? [`${count(withdrawn)} withdrawn as dead letters`] : []),
    ...(resent > 0 ? [`${count(resent)} sent again, which were rejected before`] : []),
    ...(duplicates > 0 ? [`${count(duplicates)} duplicates`] : []),
    ...(rejected > 0 ? [`${count(rejected)} rejected as before`] : []),
    ...(postgresRejected > 0 ? [`${count(postgresRejected)} rejected by Postgres`] : []),
    ...(lakeVersion === null ? [] : [`lake version ${count(lakeVersion)}`]),
  ];
  return state === 'done' ? parts.join(', ') : `${state}; ${parts.join(', ')}`;
}

export function listText(replays: readonly ReplayRecord[]): string {
  if (replays.length === 0) return 'nothing was replayed yet';
  const lines = new Table(plainTable(['id', 'stream', 'target', 'state', 'started', 'by', 'rows'], [0, 6]));
  for (const { id, stream, target, state, startedAt, startedBy, counts } of replays)
    lines.push([id, stream, target, state, startedAt, startedBy, count(counts.rows ?? 0)]);
  return lines.toString();
}

export function recordText(record: ReplayRecord): string {
  const { lakeVersionBefore, lakeVersion } = record;
  const lines = new Table(plainTable(['', '']));
  lines.push(
    ['stream', record.stream],
    ['target', record.target],
    ['asked for', JSON.stringify(record.selection)],
    ['offsets', OffsetRanges.of(record.ranges).toString()],
    ['state', record.state],
    ['by', `${record.startedBy}, windrow ${record.windrowVersion}`],
    ['from, to', `${record.startedAt} – ${record.finishedAt ?? ''}`],
    ['contract', record.contractHash],
    ['lake version', lakeVersion === null ? `${lakeVersionBefore}` : `${lakeVersionBefore} → ${lakeVersion}`],
    ['outcome', outcome(record)],
  );
  return lines.toString();
}
