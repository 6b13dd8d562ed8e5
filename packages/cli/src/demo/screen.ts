import type { Audit } from '@windrow/operations';
import { type Answer, agree } from '@windrow/operations/demo';
import Table from 'cli-table3';
import { verdictOf } from '../audit/describe.ts';
import { count, plainTable, size } from '../tables.ts';
import type { Phase } from './phases.ts';

export interface DemoResult {
  /** By stream: the enricher's outcomes for the events of this run. */
  outcomes: Outcome[];
  audit: Audit;
  /** Rows by table. */
  postgresRows: { table: string; rows: number }[];
  postgres: Answer;
  lakeFiles: Answer;
  phases: Phase[];
  addresses: { name: string; address: string }[];
}

export interface Outcome {
  stream: string;
  /** Records that Kafka accepted. */
  accepted: number;
  /** Events that passed the enricher's checks, joined if the stream has a join. */
  passed: number;
  rejected: number;
  duplicates: number;
}

/** Whether the audit succeeded and both queries have the same result. */
export function succeeded({ audit, postgres, lakeFiles }: DemoResult): boolean {
  return audit.addsUp && agree(postgres, lakeFiles);
}

/** Everything on one screen. */
export function describeDemo(result: DemoResult): string {
  const { outcomes, audit, postgresRows, postgres, lakeFiles, phases, addresses } = result;
  const events = new Table(
    plainTable(['events', 'accepted', 'enriched', 'rejected', 'duplicates'], [1, 2, 3, 4]),
  );
  for (const { stream, accepted, passed, rejected, duplicates } of outcomes) {
    events.push([stream, ...[accepted, passed, rejected, duplicates].map(count)]);
  }
  const tables = new Table(plainTable(['tables', 'rows', 'files', 'size'], [1, 2, 3]));
  for (const { table, rows, files, bytes } of audit.tables) {
    if (files !== null && bytes !== null) tables.push([table, count(rows ?? 0), count(files), size(bytes)]);
  }
  for (const { table, rows } of postgresRows) tables.push([`postgres ${table}`, count(rows), '', '']);
  const delays = new Table(
    plainTable(['mean departure delay, minutes', 'in rain or snow', 'in dry weather', 'flights'], [1, 2, 3]),
  );
  delays.push(
    ['  by Postgres (SQL)', ...cellsOf(postgres)],
    ['  by the lake (Parquet files)', ...cellsOf(lakeFiles)],
  );
  const totalMs = phases.reduce((total, { ms }) => total + ms, 0);
  return [
    '',
    events.toString(),
    '',
    tables.toString(),
    '',
    delays.toString(),
    `  ${agree(postgres, lakeFiles) ? 'the two agree' : 'THE TWO DO NOT AGREE'}`,
    '',
    `audit: ${verdictOf(audit)}`,
    `took:  ${phases.map(({ name, ms }) => `${name} ${seconds(ms)}`).join(', ')}; together ${seconds(totalMs)}`,
    ...addresses.map(({ name, address }) => `${`${name}:`.padEnd(14)} ${address}`),
    '',
  ].join('\n');
}

function cellsOf({ wet, dry }: Answer): string[] {
  return [wet.meanMinutes.toFixed(1), dry.meanMinutes.toFixed(1), count(wet.flights + dry.flights)];
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
