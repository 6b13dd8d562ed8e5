/**
 * Measures the time from Kafka's acknowledgement of an event until it can be read in Postgres and in the lake, at steady
 * rates, through the enricher and both sinks. They run as processes, as in `windrow up`. `npm run bench -- freshness --help`
 */

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { landedTopic, loadStreams, streamNamed } from '@windrow/contracts';
import { lakeSinkConfig } from '@windrow/lake-sink';
import { applyInstallation } from '@windrow/operations';
import { postgresSinkConfig } from '@windrow/postgres-sink';
import { must } from '@windrow/runtime/testing';
import { startServices } from '@windrow/stack';
import { Command, InvalidArgumentError } from 'commander';
import { latenciesOf, percentile, type Step } from './freshness/latencies.ts';
import { openLoad } from './freshness/steady-load.ts';
import { type Watch, watchLake, watchPostgres } from './freshness/watch.ts';
import { partitions } from './lake/topic.ts';
import { ReportWriter } from './report.ts';

function count(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('it is not a whole number above 0');
  return value;
}
const counts = (text: string): number[] => text.split(',').map(count);

const { rates, seconds, lakeAge, postgresAge } = new Command('npm run bench -- freshness')
  .description('seconds from acknowledged to readable, at steady rates')
  .option('--rates <list>', 'events/s, one after another', counts, [1_000, 5_000, 20_000])
  .option('--seconds <seconds>', 'for how long each rate is kept', count, 90)
  .option('--lake-age <seconds>', 'LAKE_MAX_AGE_SECONDS (default: the sink’s own)', count)
  .option('--postgres-age <seconds>', 'POSTGRES_MAX_AGE_SECONDS (default: the sink’s own)', count)
  .parse()
  .opts<{ rates: number[]; seconds: number; lakeAge?: number; postgresAge?: number }>();

/** The time limit until all sent events are committed, beyond the maximum age of a micro-batch. */
const patienceMs = 240_000;
const warmUp = { rate: 2_000, seconds: 5 };

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
const stateDir = mkdtempSync(path.join(tmpdir(), 'windrow-bench-freshness-'));
mkdirSync(path.join(stateDir, 'logs'));
process.once('exit', () => rmSync(stateDir, { recursive: true, force: true }));

const report = new ReportWriter({
  table: 'freshness',
  title: `From acknowledged to readable, ${seconds} s at each rate`,
  columns: [
    { name: 'where, rate asked for' },
    { name: 'events/s' },
    { name: 'p50', unit: 's', digits: 2 },
    { name: 'p99', unit: 's', digits: 2 },
    { name: 'longest', unit: 's', digits: 2 },
    { name: 'not read in the end', unit: 'events' },
  ],
});

const env: Record<string, string> = {
  ...(process.env as Record<string, string>),
  KAFKA_PARTITIONS: String(partitions),
  ...(lakeAge && { LAKE_MAX_AGE_SECONDS: String(lakeAge) }),
  ...(postgresAge && { POSTGRES_MAX_AGE_SECONDS: String(postgresAge) }),
};
const track = streamNamed(await loadStreams(), 'track');
await applyInstallation(env);
const services = await startServices({
  ...{ stateDir, env, names: ['enricher', 'lake-sink', 'postgres-sink'] },
  log: (line) => report.progress(line),
});
const load = await openLoad(env);
const topic = landedTopic(track);
const watches: Record<string, Watch> = {
  Postgres: await watchPostgres(must(env.DATABASE_URL), topic),
  lake: await watchLake(env, must(track.lake.curated), topic),
};

const rowsOf = (steps: Step[][]): number[] => steps.map((all) => all.at(-1)?.rows ?? 0);

async function allRead(watch: Watch, deadlineMs: number): Promise<void> {
  const isBehind = () => {
    const read = rowsOf(watch.readable);
    return rowsOf(load.acknowledged).some((rows, partition) => must(read[partition]) < rows);
  };
  while (isBehind() && performance.now() < deadlineMs) await sleep(50);
}

/** The sink's configured value, or its default. */
const maxAgeSeconds = {
  Postgres: postgresSinkConfig.shape.POSTGRES_MAX_AGE_SECONDS.parse(env.POSTGRES_MAX_AGE_SECONDS),
  lake: lakeSinkConfig.shape.LAKE_MAX_AGE_SECONDS.parse(env.LAKE_MAX_AGE_SECONDS),
};
const waitMs = 1_000 * maxAgeSeconds.lake + patienceMs;
const untilAllRead = () =>
  Promise.all(Object.values(watches).map((watch) => allRead(watch, performance.now() + waitMs)));

await load.run(warmUp.rate, warmUp.seconds);
await untilAllRead();
report.progress('warm');
for (const rate of rates) {
  const before = rowsOf(load.acknowledged);
  const sent = await load.run(rate, seconds);
  report.progress(`${sent} events sent`);
  await untilAllRead();
  for (const [name, { readable }] of Object.entries(watches)) {
    const latencies = load.acknowledged.flatMap((steps, partition) =>
      latenciesOf(steps, must(readable[partition]), must(before[partition])),
    );
    const read = latencies.reduce((sum, { rows }) => sum + rows, 0);
    const within = [0.5, 0.99, 1].map((share) => percentile(latencies, share) / 1_000);
    report.add([`${name}, ${rate.toLocaleString('en')}/s`, sent / seconds, ...within, sent - read]);
  }
}
report.note(
  `A micro-batch waits for more rows for at most ${maxAgeSeconds.Postgres} s on its way to Postgres, and ${maxAgeSeconds.lake} s on its way to the lake.`,
);
report.note(
  'The load, Kafka, S3, Postgres and one process of each service share the processors. Readable: the ledger, which is in the same commit, has it.',
);
report.close();
await Promise.all(Object.values(watches).map((watch) => watch.close()));
await load.close();
await services.stop();
process.exit(0);
