/**
 * How many rows a second are decoded from Avro: `node packages/lake/bench/decode.ts [rows]`. Enriched track events, from
 * the bytes of fetched batches into column buffers, beside avsc's decoding into one object for each. Both are measured in
 * turns, after a turn to warm up, because the machine's speed changes.
 */
import { createHash } from 'node:crypto';
import { landedSchema, loadStreams, streamNamed } from '@windrow/contracts';
import avsc from 'avsc';
import { ReportWriter } from '../../../tests/bench/report.ts';
import { tableSchemaFromAvro } from '../src/avro-columns.ts';
import { ColumnBuffers } from '../src/columns/column-buffers.ts';
import { createRecordDecoder } from '../src/columns/create-record-decoder.ts';

/** As one fetch of a partition brings them. */
const batchRecords = 1_000;
/** As a busy sink cuts its files: then the columns are cleared. */
const fileRows = 100_000;
const turns = 5;

const contracts = await loadStreams();
const schema = landedSchema(streamNamed(contracts, 'track'), contracts);
const type = avsc.Type.forSchema(schema as unknown as avsc.Schema);
const tableSchema = tableSchemaFromAvro(schema);

const startMs = Date.UTC(2013, 0, 1);
const events = ['Flight Departed', 'Flight Landed', 'Gate Changed', 'Boarding Started'];
const cities = ['EWR', 'JFK', 'LGA', 'Zürich'];
const conditions = [null, 'rain', null, 'snow', null, null];
const uuid = (kind: string, of: number): string => {
  const hex = createHash('md5').update(`${kind}${of}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
};

function eventAt(row: number): Record<string, unknown> {
  const occurredMs = startMs + row * 137;
  const hour = Math.floor(row / 26_277);
  const isPhone = row % 2 === 0;
  const known: Record<string, unknown> = {
    event_id: uuid('event', row),
    type: row % 10 === 0 ? 'page' : 'track',
    event_name: events[(row * 7) % events.length],
    anonymous_id: uuid('anonymous', row % 20_011),
    user_id: row % 3 === 0 ? `N${14_000 + (row % 5_003)}` : null,
    occurred_at: occurredMs,
    sent_at: occurredMs + 2_000,
    received_at: startMs + Math.floor(row / 50) * 7_000,
    city: cities[row % cities.length],
    latitude: row % 4 === 0 ? null : 40 + (row % 997) / 1e4,
    longitude: row % 4 === 0 ? null : -74 - (row % 991) / 1e4,
    timezone: 'America/New_York',
    os_name: isPhone ? 'iOS' : 'Android',
    os_version: `${10 + (row % 7)}.${row % 5}`,
    device_type: isPhone ? 'ios' : 'android',
    device_model: `model-${row % 300}`,
    device_manufacturer: isPhone ? 'Apple' : 'Samsung',
    app_name: 'Departures',
    app_version: `2.${row % 12}.0`,
    properties: `{"carrier":"UA","flight":${row % 4_001},"dest":"IAH","dep_delay_min":${(row % 90) - 15},"distance_mi":${row % 2_500}}`,
    weather_match: 'matched',
    weather_age_s: row % 3_600,
    weather_observed_at: startMs + hour * 3_600_000,
    weather_city: cities[row % cities.length],
    temperature_c: 3 + hour / 4 + (row % 4),
    apparent_temperature_c: 1 + hour / 4 + (row % 4),
    humidity: 0.5 + (row % 4) / 100,
    precip_intensity: 0,
    precip_type: conditions[hour % conditions.length],
    visibility_km: 16.09,
    wind_speed_ms: 4.2 + (row % 4),
    pressure_hpa: 1_016.4,
  };
  return Object.fromEntries(schema.fields.map(({ name }) => [name, known[name] ?? null]));
}

interface Batch {
  source: Buffer;
  starts: Int32Array;
  ends: Int32Array;
}

function batchesOf(rows: number): Batch[] {
  const batches: Batch[] = [];
  for (let first = 0; first < rows; first += batchRecords) {
    const count = Math.min(batchRecords, rows - first);
    const values = Array.from({ length: count }, (_, index) => type.toBuffer(eventAt(first + index)));
    const starts = new Int32Array(count);
    const ends = new Int32Array(count);
    let at = 0;
    for (const [index, value] of values.entries()) {
      starts[index] = at;
      at += value.length;
      ends[index] = at;
    }
    batches.push({ source: Buffer.concat(values), starts, ends });
  }
  return batches;
}

const decoder = createRecordDecoder(type, type, tableSchema);
const columns = new ColumnBuffers(tableSchema);

function decodeToColumns(batches: readonly Batch[]): void {
  columns.clear();
  for (const { source, starts, ends } of batches) {
    if ((columns.columns[0]?.rows ?? 0) >= fileRows) columns.clear();
    const next = decoder.decode(source, starts, ends, 0, starts.length, columns);
    if (next !== starts.length) throw new Error(`record ${next} is not valid`);
  }
}

/** Kept, so that the decoding is not optimized away. */
let lastRecord: unknown;

function decodeToObjects(batches: readonly Batch[]): void {
  for (const { source, starts, ends } of batches) {
    for (let index = 0; index < starts.length; index++) {
      const { offset, value } = type.decode(source.subarray(starts[index], ends[index]));
      if (offset < 0) throw new Error(`record ${index} is not valid`);
      lastRecord = value;
    }
  }
}

interface Rates {
  rowsPerSecond: number;
  rowsPerCpuSecond: number;
}

function measure(work: () => void, rows: number): Rates {
  const cpu = process.cpuUsage();
  const startedMs = performance.now();
  work();
  const seconds = (performance.now() - startedMs) / 1e3;
  const { system, user } = process.cpuUsage(cpu);
  return { rowsPerSecond: rows / seconds, rowsPerCpuSecond: rows / ((system + user) / 1e6) };
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] ?? 0;

const rows = Number(process.argv[2] ?? 200_000);
const report = new ReportWriter({
  table: 'decode',
  title: `Decoding Avro, ${rows.toLocaleString('en')} enriched track events of ${schema.fields.length} fields`,
  columns: [{ name: 'decoder' }, { name: 'rows/s' }, { name: 'rows/CPU-s' }, { name: '× avsc', digits: 2 }],
});
const batches = batchesOf(rows);
const ways = { columns: () => decodeToColumns(batches), avsc: () => decodeToObjects(batches) };
const measured: Record<keyof typeof ways, Rates[]> = { columns: [], avsc: [] };
for (let turn = 0; turn <= turns; turn++) {
  for (const name of ['columns', 'avsc'] as const) {
    const rates = measure(ways[name], rows);
    if (turn > 0) measured[name].push(rates);
  }
}
const names = { columns: 'into column buffers', avsc: 'avsc, an object each' };
const ofMedian = (name: keyof typeof ways) => ({
  rowsPerSecond: median(measured[name].map(({ rowsPerSecond }) => rowsPerSecond)),
  rowsPerCpuSecond: median(measured[name].map(({ rowsPerCpuSecond }) => rowsPerCpuSecond)),
});
const yardstick = ofMedian('avsc').rowsPerCpuSecond;
for (const name of ['columns', 'avsc'] as const) {
  const { rowsPerSecond, rowsPerCpuSecond } = ofMedian(name);
  report.add([names[name], rowsPerSecond, rowsPerCpuSecond, rowsPerCpuSecond / yardstick]);
}
report.note(`Medians of ${turns} turns, after one to warm up.`);
report.close();
if (lastRecord === undefined) throw new Error('nothing was decoded');
