/**
 * Measures the lake sink from Kafka to a Delta table on S3, as the process that `windrow up` runs, and other engines with the
 * same events. `npm run bench -- lake --help`
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { type Landed, type LandOptions, land } from './lake/land.ts';
import { nativeWritings } from './lake/native.ts';
import { sparkRuns } from './lake/spark.ts';
import { type EventsTopic, openTopic } from './lake/topic.ts';
import { ReportWriter } from './report.ts';

function count(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('it is not a whole number above 0');
  return value;
}

interface Options {
  events: number;
  windows: number;
  backlog?: true;
  peers?: string | true;
  keepLogs?: true;
}

const options = new Command('npm run bench -- lake')
  .description('rows/s, CPU and memory of the lake sink, from a topic of 4 partitions to a Delta table on S3')
  .option('--events <count>', 'events in the topic', count, 2_000_000)
  .option('--windows <count>', 'hours that the events are spread over, all open at once', count, 1)
  .option('--backlog', 'one instance only: with a tenth of the events in the topic, then with all of them')
  .option(
    '--peers [python]',
    'Spark too; the Python that has pyspark (default: the one in .windrow/parts/spark)',
  )
  .option('--keep-logs', 'keep the logs of the sinks')
  .parse()
  .opts<Options>();

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
const dir = mkdtempSync(path.join(tmpdir(), 'windrow-bench-lake-'));
process.once('exit', () => {
  if (!options.keepLogs) rmSync(dir, { recursive: true, force: true });
});

const kind = options.backlog ? 'lake-backlog' : options.windows > 1 ? 'lake-windows' : 'lake';
const report = new ReportWriter({
  table: kind,
  title: `From Kafka to Delta, ${options.events.toLocaleString('en')} events, 4 partitions, ${options.windows === 1 ? 'one hour of event time' : `${options.windows} hours of event time, all open`}`,
  columns: [
    { name: 'run' },
    { name: 'rows/s' },
    { name: 'rows/s, warm' },
    { name: 'CPU', unit: 's', digits: 1 },
    { name: 'rows/CPU-s' },
    { name: 'rows/CPU-s, warm' },
    { name: 'peak RSS', unit: 'MiB' },
    { name: 'files' },
    { name: 'files', unit: 'MB', digits: 1 },
    { name: 'bytes/row', digits: 1 },
    { name: '1 instance is × as fast', digits: 2 },
    { name: '2 instances are', digits: 2 },
    { name: 'CPU, × 1 instance', digits: 2 },
  ],
});

interface Figures {
  rows: number;
  rowsPerSecond: number;
  cpuSeconds: number;
  warm?: { rowsPerSecond: number; rowsPerCpuSecond: number } | undefined;
  peakRssMiB: number | null;
  files: number;
  fileBytes: number;
}

/** Warm-up runs, until the code is compiled and the speed no longer grows. */
const sparkRunCount = 5;

interface Speed {
  rowsPerSecond: number;
  rowsPerCpuSecond: number;
}
/** The rates that ratios refer to, once they are measured: one instance of the lake sink, and two. */
const ours: Speed[] = [];

function add(name: string, of: Figures): Speed {
  const rowsPerCpuSecond = of.rows / of.cpuSeconds;
  const best = of.warm ?? { rowsPerSecond: of.rowsPerSecond, rowsPerCpuSecond };
  const [one = best, two] = ours;
  report.add([
    ...[name, of.rowsPerSecond, of.warm?.rowsPerSecond ?? null, of.cpuSeconds, rowsPerCpuSecond],
    ...[of.warm?.rowsPerCpuSecond ?? null, of.peakRssMiB, of.files, of.fileBytes / 1e6],
    ...[of.fileBytes / of.rows, one.rowsPerSecond / best.rowsPerSecond],
    ...[two ? two.rowsPerSecond / best.rowsPerSecond : null, one.rowsPerCpuSecond / best.rowsPerCpuSecond],
  ]);
  return best;
}

const addLanded = (name: string, events: number, landed: Landed): Speed =>
  add(name, { ...landed, rows: events, files: landed.files.length });

async function fill(topic: EventsTopic, from: number, to: number): Promise<void> {
  const startedMs = performance.now();
  const bytes = await topic.fill(from, to);
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(0);
  report.progress(`${to - from} events of ${Math.round(bytes / (to - from))} bytes made in ${seconds} s`);
}

const { events, windows } = options;
const { env } = process;
const topic = await openTopic(env, { events, windows });
const landing = (rest: Pick<LandOptions, 'instances'> & Partial<LandOptions>): Promise<Landed> =>
  land({ topic, events, env, dir, ...rest });

if (options.backlog) {
  const tenth = Math.ceil(events / 10);
  await fill(topic, 0, tenth);
  const small = await landing({ instances: 1, events: tenth });
  addLanded(`${tenth.toLocaleString('en')} events`, tenth, small);
  await fill(topic, tenth, events);
  const large = await landing({ instances: 1 });
  addLanded(`${events.toLocaleString('en')} events`, events, large);
  report.note(
    `With ten times the backlog the peak of resident memory is ${(large.peakRssMiB / small.peakRssMiB).toFixed(2)} times as high, and of rows that the sink says it held ${(large.heldMiB / small.heldMiB).toFixed(2)} times (${small.heldMiB.toFixed(0)} and ${large.heldMiB.toFixed(0)} MiB).`,
  );
} else {
  await fill(topic, 0, events);
  const one = await landing({ instances: 1 });
  ours.push(addLanded('1 instance', events, one));
  await unlessItFails('2 instances', async (name) => {
    ours.push(addLanded(name, events, await landing({ instances: 2 })));
  });
  if (windows === 1) {
    const other = { ...env, LAKE_PARQUET_ENCODER: 'parquetjs-lite' };
    await unlessItFails('1 instance, parquetjs-lite', async (name) => {
      addLanded(name, events, await landing({ instances: 1, env: other }));
    });
  }
  await compareWithNative(one);
  if (options.peers !== undefined) await compareWithSpark();
}
await topic.close();
report.note(
  'Warm: from the first commit on; the ratios are of warm numbers where there are any. CPU: of the processes named, their start included.',
);
report.close();
process.exit();

/** If this engine fails, the results of the others are still useful. */
async function unlessItFails(name: string, run: (name: string) => Promise<void>): Promise<void> {
  try {
    await run(name);
  } catch (error) {
    report.note(`${name}: failed. ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}

async function compareWithNative({ bucket, files }: Landed): Promise<void> {
  try {
    const writings = await nativeWritings({ store: bucket.store, table: topic.table, files, dir });
    for (const [name, of] of Object.entries(writings))
      add(`${name} ${of.version}, Parquet only`, {
        ...of,
        rowsPerSecond: of.rows / of.seconds,
        ...{ peakRssMiB: null, fileBytes: of.bytes },
      });
    report.note(
      'pyarrow and DuckDB write the rows of the same files, one for one, from columns that they have in memory, with zstd level 1, to a file in memory: no Kafka, no Avro, no S3, no commits.',
    );
  } catch (error) {
    report.note(`pyarrow and DuckDB: skipped. ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function compareWithSpark(): Promise<void> {
  const python = typeof options.peers === 'string' ? options.peers : undefined;
  try {
    let number = 0;
    await sparkRuns({
      ...{ topic, events, runs: sparkRunCount, env, dir, python },
      onRun: (run) => add(`Spark ${run.version}, run ${++number} in its JVM`, run),
    });
    report.note(
      'Spark: local[2], one JVM, one batch a run (availableNow), zstd level 1, CPU of the run alone.',
    );
  } catch (error) {
    report.note(`Spark: skipped. ${error instanceof Error ? error.message : String(error)}`);
  }
}
