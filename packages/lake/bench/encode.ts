/**
 * How many rows a Parquet encoder makes of a CPU second: `node packages/lake/bench/encode.ts [rows] [encoder]`.
 * 23 columns of track events: unique ids, repeated names, times, coordinates, JSON text, nulls. Each encoder runs in a
 * process of its own, so that the peak of its memory is its own. Batches of 100,000 rows, as a busy sink cuts them.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { createEncoder, encoderNames } from '../src/parquet/encoders.ts';
import { type ColumnBatch, type ColumnValue, ledgerColumns, type TableColumn } from '../src/table-schema.ts';

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
  text('event_name', (row) => events[(row * 7) % 4]!),
  text('anonymous_id', (row) => idOf('anonymous', row % 20_011)),
  text('user_id', (row) => (row % 3 === 0 ? `N${14_000 + (row % 5_003)}` : null)),
  [{ name: 'occurred_at', type: 'timestamp', nullable: true }, (row) => startMs + row * 137],
  [{ name: 'sent_at', type: 'timestamp', nullable: true }, (row) => startMs + row * 137 + 2_000],
  [
    { name: 'received_at', type: 'timestamp', nullable: true },
    (row) => startMs + Math.floor(row / 50) * 7_000,
  ],
  text('city', (row) => cities[row % 4]!),
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

async function measure(name: (typeof encoderNames)[number], rows: number): Promise<void> {
  const encoder = createEncoder(name);
  await encoder.encode(batchFrom(0, 2_000));
  let cpuSeconds = 0;
  let wallSeconds = 0;
  let fileBytes = 0;
  for (let first = 0; first < rows; first += batchRows) {
    const batch = batchFrom(first, Math.min(batchRows, rows - first));
    const cpu = process.cpuUsage();
    const wall = performance.now();
    fileBytes += (await encoder.encode(batch)).bytes.length;
    const used = process.cpuUsage(cpu);
    cpuSeconds += (used.user + used.system) / 1e6;
    wallSeconds += (performance.now() - wall) / 1e3;
  }
  const report = {
    encoder: name,
    rows,
    columns: eventColumns.length + ledgerColumns.length,
    rowsPerCpuSecond: Math.round(rows / cpuSeconds),
    rowsPerSecond: Math.round(rows / wallSeconds),
    cpuSeconds: Number(cpuSeconds.toFixed(2)),
    peakRssMiB: Math.round(process.resourceUsage().maxRSS / 1024),
    bytesPerRow: Number((fileBytes / rows).toFixed(1)),
  };
  console.log(JSON.stringify(report));
}

const rows = Number(process.argv[2] ?? 500_000);
const wanted = encoderNames.find((name) => name === process.argv[3]);
if (wanted !== undefined) {
  await measure(wanted, rows);
} else {
  for (const name of encoderNames) {
    spawnSync(process.execPath, [fileURLToPath(import.meta.url), String(rows), name], { stdio: 'inherit' });
  }
}
