/**
 * Compares a replay, from Kafka and from the raw table, with live ingestion of the same events, and measures how the replay
 * delays events that arrive meanwhile. `npm run bench -- replay [events]`
 */

import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { landedTopic, loadStreams, streamNamed } from '@windrow/contracts';
import { applyInstallation, openInstallation, waitForLanding } from '@windrow/operations';
import { deleteRecords } from '@windrow/pipeline/testing';
import { must } from '@windrow/runtime/testing';
import { startServices } from '@windrow/stack';
import { latenciesOf, percentile } from './freshness/latencies.ts';
import { openLoad } from './freshness/steady-load.ts';
import { watchPostgres } from './freshness/watch.ts';
import { partitions } from './lake/topic.ts';
import { type ProcessUsage, processUsage } from './process-usage.ts';
import { ReportWriter } from './report.ts';

const events = Number(process.argv[2] ?? 400_000);
const liveRate = 1_000;
const liveSeconds = 20;
const root = path.resolve(import.meta.dirname, '../..');

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
const stateDir = mkdtempSync(path.join(tmpdir(), 'windrow-bench-replay-'));
mkdirSync(path.join(stateDir, 'logs'));
process.once('exit', () => rmSync(stateDir, { recursive: true, force: true }));

const report = new ReportWriter({
  table: 'replay',
  title: `${events.toLocaleString('en')} events made anew, beside their first landing`,
  columns: [
    { name: 'what' },
    { name: 'events/s' },
    { name: 'CPU', unit: 's', digits: 1 },
    { name: 'peak RSS', unit: 'MiB' },
    { name: 'of live', digits: 2 },
  ],
});

const env: Record<string, string> = {
  ...(process.env as Record<string, string>),
  KAFKA_PARTITIONS: String(partitions),
  ...{ LAKE_MAX_AGE_SECONDS: '5', POSTGRES_MAX_AGE_SECONDS: '1' },
};
const track = streamNamed(await loadStreams(), 'track');
await applyInstallation(env);
const services = await startServices({
  ...{ stateDir, env, names: ['enricher', 'lake-sink', 'postgres-sink'] },
  log: (line) => report.progress(line),
});
const installation = await openInstallation(env);
const load = await openLoad(env);

interface Ran {
  seconds: number;
  usage: ProcessUsage;
}

/** Runs the command as users do; its time includes startup and planning. */
async function replay(...args: string[]): Promise<Ran> {
  const startedMs = performance.now();
  const child = spawn(
    process.execPath,
    [path.join(root, 'packages/cli/bin/windrow.mjs'), 'replay', '--stream', 'track', '--yes', ...args],
    { env, stdio: ['ignore', 'ignore', 'inherit'] },
  );
  let usage: ProcessUsage = { cpuSeconds: 0, peakRssMiB: 0 };
  const looking = setInterval(() => {
    usage = processUsage(must(child.pid)) ?? usage;
  }, 50);
  const code = await new Promise((resolve) => child.on('close', resolve));
  clearInterval(looking);
  if (code !== 0) throw new Error(`windrow replay ended with ${code}`);
  return { seconds: (performance.now() - startedMs) / 1_000, usage };
}

const startedMs = performance.now();
let sent = 0;
while (sent < events) sent += await load.run(1_000_000, Math.max(0.05, (events - sent) / 1_000_000));
await waitForLanding(installation, { timeoutMs: 600_000 });
const live = sent / ((performance.now() - startedMs) / 1_000);
report.add(['first landing: enricher and both sinks', live, Number.NaN, Number.NaN, 1]);

const ends = await installation.broker.endOffsets(track.topics.raw.name);
const all = [...ends].map(([partition, end]) => `${partition}:0-${end}`).join(',');
const measured = async (what: string, ...args: string[]) => {
  const { seconds, usage } = await replay('--offsets', all, ...args);
  const rate = sent / seconds;
  report.add([what, rate, usage.cpuSeconds, usage.peakRssMiB, rate / live]);
};
await measured('replay from Kafka, to both');
await measured('replay from Kafka, to the lake', '--target', 'lake');

/** The p99 time from acknowledged to readable in Postgres, at a steady rate. */
async function freshness(): Promise<number> {
  const before = load.acknowledged.map((steps) => steps.at(-1)?.rows ?? 0);
  const watch = await watchPostgres(must(env.DATABASE_URL), landedTopic(track));
  await load.run(liveRate, liveSeconds);
  const isRead = () =>
    load.acknowledged.every((steps, partition) => {
      const read = watch.readable[partition]?.at(-1)?.rows ?? 0;
      return read >= (steps.at(-1)?.rows ?? 0);
    });
  while (!isRead()) await sleep(50);
  await watch.close();
  const latencies = load.acknowledged.flatMap((steps, partition) =>
    latenciesOf(steps, must(watch.readable[partition]), must(before[partition])),
  );
  return percentile(latencies, 0.99) / 1_000;
}
const alone = await freshness();
const besides = replay('--offsets', all);
const beside = await freshness();
await besides;
report.note(
  `Events that arrive at ${liveRate.toLocaleString('en')}/s can be read in Postgres within ${alone.toFixed(2)} s (p99), and within ${beside.toFixed(2)} s beside a replay: ${(beside / alone).toFixed(2)} times.`,
);

await waitForLanding(installation, { timeoutMs: 600_000 });
await deleteRecords((env.KAFKA_BROKERS ?? '').split(','), track.topics.raw.name, ends);
await measured('replay from the raw table, to both');
report.note(
  'Kafka, S3, Postgres and one process of each service share the processors with it. A replay runs at the lowest priority; its time has its start and its plan in it.',
);
report.close();
await load.close();
await installation.close();
await services.stop();
process.exit(0);
