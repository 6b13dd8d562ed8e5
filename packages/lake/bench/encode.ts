/**
 * How many rows a Parquet encoder makes of a CPU second: `node packages/lake/bench/encode.ts [rows] [encoder]`.
 * 23 columns of track events: unique ids, repeated names, times, coordinates, JSON text, nulls. Each encoder runs in a
 * process of its own, so that the peak of its memory is its own. Batches of 100,000 rows, as a busy sink cuts them.
 */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { must } from '@windrow/runtime/testing';
import { ReportWriter } from '../../../tests/bench/report.ts';
import { type ColumnBatch, columnBuffersFrom } from '../src/columns/testing/buffers-from-batch.ts';
import { createEncoder, type EncoderName, encoderNames } from '../src/parquet/encoders.ts';
import { type ColumnValue, ledgerColumns, type TableColumn } from '../src/table-schema.ts';

const batchRows = 100_000;

type ValueOf = (row: number) => ColumnValue;
const text = (name: string, value: ValueOf): [TableColumn, ValueOf] => [
  { name, type: 'string', nullable: true },
  value,
];

const startMs = Date.UTC(2013, 0, 1);
const events = ['Flight Departed', 'Flight Landed', 'Gate Changed', 'Boarding Started'];
const cities = ['EWR', 'JFK', 'LGA', 'Zürich'];
const idOf = (kind: string, of: number): string => {
  const hex = createHash('md5').update(`${kind}${of}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
};

const eventColumns: ReadonlyArray<[TableColumn, ValueOf]> = [
  text('event_id', (row) => idOf('event', row)),
  text('type', (row) => (row % 10 === 0 ? 'page' : 'track')),
  text('event_name', (row) => must(events[(row * 7) % 4])),
  text('anonymous_id', (row) => idOf('anonymous', row % 20_011)),
  text('user_id', (row) => (row % 3 === 0 ? `N${14_000 + (row % 5_003)}` : null)),
  [{ name: 'occurred_at', type: 'timestamp', nullable: true }, (row) => (startMs + row * 137) * 1_000],
  [{ name: 'sent_at', type: 'timestamp', nullable: true }, (row) => (startMs + row * 137 + 2_000) * 1_000],
  [
    { name: 'received_at', type: 'timestamp', nullable: true },
    (row) => (startMs + Math.floor(row / 50) * 7_000) * 1_000,
  ],
  text('city', (row) => must(cities[row % 4])),
  [
    { name: 'latitude', type: 'double', nullable: true },
    (row) => (row % 4 === 0 ? null : 40 + (row % 997) / 1e4),
  ],
  [
    { name: 'longitude', type: 'double', nullable: true },
    (row) => (row % 4 === 0 ? null : -74 - (row % 991) / 1e4),
  ],
  text('timezone', () => 'America/New_York'),
  text('os_name', (row) => (row % 2 === 0 ? 'iOS' : 'Android')),
  text('os_version', (row) => `${10 + (row % 7)}.${row % 5}`),
  text('device_type', (row) => (row % 2 === 0 ? 'ios' : 'android')),
  text('device_model', (row) => `model-${row % 300}`),
  text('app_version', (row) => `2.${row % 12}.0`),
  text('properties', (row) => {
    const delay = (row % 90) - 15;
    return `{"carrier":"UA","flight":${row % 4001},"dest":"IAH","dep_delay_min":${delay},"distance_mi":${row % 2500}}`;
  }),
  text('context', () => null),
];
const ledgerValues: readonly ValueOf[] = [
  () => 'track.raw',
  (row) => row % 6,
  (row) => Math.floor(row / 6),
  (row) => startMs + Math.floor(row / 5_000) * 1_000,
];

function batchFrom(first: number, rowCount: number): ColumnBatch {
  const values = [...eventColumns.map(([, value]) => value), ...ledgerValues];
  return {
    schema: { columns: [...eventColumns.map(([column]) => column), ...ledgerColumns] },
    rowCount,
    columns: values.map((value) => Array.from({ length: rowCount }, (_, row) => value(first + row))),
  };
}

/** What a process of its own has measured. */
interface Measured {
  cpuSeconds: number;
  wallSeconds: number;
  peakRssMiB: number;
  fileBytes: number;
}

async function measure(name: EncoderName, rows: number): Promise<Measured> {
  const encoder = createEncoder(name);
  await encoder.encode({ buffers: columnBuffersFrom(batchFrom(0, 2_000)) });
  let cpuSeconds = 0;
  let wallSeconds = 0;
  let fileBytes = 0;
  for (let first = 0; first < rows; first += batchRows) {
    const buffers = columnBuffersFrom(batchFrom(first, Math.min(batchRows, rows - first)));
    const cpu = process.cpuUsage();
    const wall = performance.now();
    fileBytes += (await encoder.encode({ buffers })).bytes.length;
    const used = process.cpuUsage(cpu);
    cpuSeconds += (used.user + used.system) / 1e6;
    wallSeconds += (performance.now() - wall) / 1e3;
  }
  return { cpuSeconds, wallSeconds, peakRssMiB: process.resourceUsage().maxRSS / 1024, fileBytes };
}

function measureAll(rows: number, names: readonly EncoderName[]): void {
  const report = new ReportWriter({
    table: 'encode',
    title: `Parquet encoders, ${rows.toLocaleString('en')} rows of ${eventColumns.length + ledgerColumns.length} columns in batches of ${batchRows.toLocaleString('en')}`,
    columns: [
      { name: 'encoder' },
      { name: 'rows/s' },
      { name: 'rows/CPU-s' },
      { name: 'CPU', unit: 's', digits: 2 },
      { name: 'peak RSS', unit: 'MiB' },
      { name: 'bytes/row', digits: 1 },
    ],
  });
  for (const name of names) {
    const script = fileURLToPath(import.meta.url);
    const { status, stdout } = spawnSync(process.execPath, [script, String(rows), name, childMark], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (status !== 0) {
      report.note(`${name}: it failed, with ${status}.`);
      process.exitCode = 1;
      continue;
    }
    const { cpuSeconds, wallSeconds, peakRssMiB, fileBytes } = JSON.parse(stdout.toString()) as Measured;
    report.add([name, rows / wallSeconds, rows / cpuSeconds, cpuSeconds, peakRssMiB, fileBytes / rows]);
  }
  report.note('From columns of JavaScript values to a file in memory; a process for each encoder.');
  report.close();
}

/** Has this script measure in its own process and tell it as JSON. */
const childMark = '--measure';
const [rowsGiven = '500000', nameGiven, mark] = process.argv.slice(2);
const rows = Number(rowsGiven);
const wanted = encoderNames.find((name) => name === nameGiven);
if (wanted !== undefined && mark === childMark) console.log(JSON.stringify(await measure(wanted, rows)));
else measureAll(rows, wanted === undefined ? encoderNames : [wanted]);
