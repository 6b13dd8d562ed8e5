/**
 * Measures how a sink, as the process that `windrow up` runs, consumes the backlog in the topics of a running stack:
 *   node tests/backlog/drain.ts lake-sink|postgres-sink <events> [node options …]
 * with the stack's environment set. Each drain writes to its own bucket or database, so the same backlog can be drained
 * repeatedly. Prints rows per second, CPU seconds, resident memory (the peak is the kernel's VmHWM: Linux only) and the number
 * of commits and files.
 */

import { spawn } from 'node:child_process';
import { createWriteStream, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadStreams } from '@windrow/contracts';
import { createTestBucket } from '@windrow/lake/testing';
import { createDatabase } from '@windrow/postgres/testing';
import { must } from '@windrow/runtime/testing';
import { services } from '@windrow/stack';

const clockTicksPerSecond = 100;

export interface DrainOptions {
  service: 'lake-sink' | 'postgres-sink';
  /** The number of committed events at which the drain ends. */
  events: number;
  nodeOptions?: string[];
  /** The endpoints of the stack, and settings of the sink. */
  env: Record<string, string>;
}

export interface Drained {
  rows: number;
  seconds: number;
  cpuSeconds: number;
  /** The number of commits or transactions. */
  microBatches: number;
  medianRssMiB: number;
  peakRssMiB: number;
  /** Bytes that the sink reports for its micro-batches; 0 if it reports none. */
  mostHeldBytes: number;
  files?: { count: number; bytes: number };
}

/** @throws Error if the sink ends by itself */
export async function drain({ service, events, nodeOptions = [], env }: DrainOptions): Promise<Drained> {
  const bucket = service === 'lake-sink' ? await createTestBucket(env) : undefined;
  const database =
    service === 'postgres-sink'
      ? await createDatabase(env.DATABASE_URL ?? '', await loadStreams())
      : undefined;
  const definition = must(services.find(({ name }) => name === service));
  const adminPort = await freePort();
  const logFile = join(tmpdir(), `drain-${service}-${process.pid}.log`);
  const startedMs = performance.now();
  const sink = spawn(process.execPath, [...nodeOptions, definition.main], {
    env: {
      ...definition.env,
      ...env,
      ADMIN_PORT: String(adminPort),
      ...(bucket && { LAKE_BUCKET: bucket.options.bucket }),
      ...(database && { DATABASE_URL: database.url }),
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  sink.stderr.pipe(createWriteStream(logFile));
  const ended = new Promise((resolve) => sink.on('close', resolve));
  const kill = () => sink.kill('SIGKILL');
  process.once('exit', kill);
  try {
    const memory = () => residentMiB(must(sink.pid));
    let metrics = '';
    let mostHeldBytes = 0;
    const residents: number[] = [];
    for (let rows = 0; rows < events; rows = landedRows(metrics)) {
      await sleep(100);
      if (sink.exitCode !== null || sink.signalCode !== null)
        throw new Error(`${service} ended; its log: ${logFile}`);
      residents.push(memory().now);
      const answer = await fetch(`http://127.0.0.1:${adminPort}/metrics`).catch(() => undefined);
      if (answer) metrics = await answer.text();
      mostHeldBytes = Math.max(mostHeldBytes, sumOf(metrics, /^windrow_sink_buffer_bytes\{[^}]*\} (\d+)/gm));
    }
    const peakRssMiB = memory().peak;
    return {
      rows: landedRows(metrics),
      seconds: (performance.now() - startedMs) / 1000,
      cpuSeconds: cpuSeconds(must(sink.pid)),
      microBatches: sumOf(metrics, /^windrow_microbatch_rows_count\{[^}]*\} (\d+)/gm),
      medianRssMiB: residents.sort((a, b) => a - b)[residents.length >> 1] ?? 0,
      peakRssMiB,
      mostHeldBytes,
      ...(bucket && { files: await filesIn(bucket.store) }),
    };
  } finally {
    sink.kill('SIGTERM');
    await ended;
    process.off('exit', kill);
    bucket?.store.close();
    await database?.drop();
  }
}

function residentMiB(pid: number): { now: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const of = (field: string) => Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1024;
  return { now: of('VmRSS'), peak: of('VmHWM') };
}

/** User and system time of the process. The fields follow its name, which may contain spaces. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / clockTicksPerSecond;
}

const landedRows = (metrics: string): number =>
  sumOf(metrics, /^windrow_events_total\{[^}]*stream="track"[^}]*outcome="ok"[^}]*\} (\d+)/gm);

const sumOf = (metrics: string, series: RegExp): number =>
  [...metrics.matchAll(series)].reduce((sum, [, value]) => sum + Number(value), 0);

async function filesIn(store: Awaited<ReturnType<typeof createTestBucket>>['store']) {
  const files = { count: 0, bytes: 0 };
  for await (const { key, sizeBytes } of store.list({ prefix: '' })) {
    if (!key.endsWith('.parquet') || key.includes('_delta_log')) continue;
    files.count += 1;
    files.bytes += sizeBytes;
  }
  return files;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}

if (import.meta.main) {
  const [service = '', events = '0', ...nodeOptions] = process.argv.slice(2);
  if (service !== 'lake-sink' && service !== 'postgres-sink')
    throw new Error('the sink is lake-sink or postgres-sink');
  const env = process.env as Record<string, string>;
  const drained = await drain({ service, events: Number(events), nodeOptions, env });
  const { rows, seconds, cpuSeconds, files } = drained;
  console.log({
    at: new Date().toISOString(),
    load: loadavg()[0]?.toFixed(1),
    service,
    ...drained,
    rowsPerSecond: Math.round(rows / seconds),
    rowsPerCpuSecond: Math.round(rows / cpuSeconds),
    ...(files && {
      meanFileKb: Math.round(files.bytes / files.count / 1024),
      rowsPerFile: Math.round(rows / files.count),
    }),
  });
}
