import Table from 'cli-table3';
import { count, plainTable } from '../../packages/cli/src/tables.ts';
import { type ChaosResult, type DoneFault, hasPassed } from './chaos.ts';

/** Formats the result: recovery times by kind of fault, the load, the findings. */
export function report(result: ChaosResult): string {
  const { accepted, faults, replays } = result;
  const table = new Table(
    plainTable(['fault', 'times', 'ready: median', 'most', 'landed: median', 'most'], [1, 2, 3, 4, 5]),
  );
  const kinds = Map.groupBy(faults, ({ fault }) => fault.kind);
  for (const [kind, done] of [...kinds].sort(([a], [b]) => (a < b ? -1 : 1))) {
    table.push([
      kind,
      count(done.length),
      ...shown(done.map(({ recovery }) => recovery.readyMs)),
      ...shown(done.map(({ recovery }) => recovery.landedMs)),
    ]);
  }
  const unreached = faults.filter(({ outcome }) => outcome === 'not reached');
  return [
    table.toString(),
    '',
    ...(unreached.length > 0 ? [`failpoints not reached in time: ${failpointsOf(unreached)}`] : []),
    `events accepted: ${count(accepted.ids.size)}, sent again although accepted: ${count(accepted.duplicates)}`,
    `bad records: ${count(accepted.bad.size)} straight to Kafka, ${count(accepted.refused)} refused by HTTP`,
    `replays beside the faults: ${count(replays)}`,
    `batches sent again for want of an answer: ${count(accepted.retries)}`,
    ...result.unrecovered.map((line) => `not recovered by itself: ${line}`),
    ...result.findings,
    `seed ${result.seed}, ${result.minutes} minutes: ${count(faults.length)} faults, ${result.losses} lost, ${result.duplicates} duplicated: ${hasPassed(result) ? 'passed' : 'FAILED'}`,
  ].join('\n');
}

function failpointsOf(faults: DoneFault[]): string {
  return faults.flatMap(({ fault }) => ('failpoint' in fault ? fault.failpoint : [])).join(', ');
}

function shown(times: (number | undefined)[]): [string, string] {
  const known = times.filter((ms) => ms !== undefined).sort((a, b) => a - b);
  const seconds = (ms: number | undefined) => (ms === undefined ? '' : `${(ms / 1000).toFixed(1)} s`);
  const most = known.length < times.length ? 'never' : seconds(known.at(-1));
  return [seconds(known[Math.floor(known.length / 2)]), most];
}
