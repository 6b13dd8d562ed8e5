/**
 * How a sink, as the process that people run, works off what lies in the topics of a running stack:
 *   node tests/backlog/drain.ts lake-sink|postgres-sink <events> [node options …]
 * with the stack's environment set. It lands in a bucket or a database of its own, so the same backlog can be drained
 * again and again. Prints rows a second, CPU seconds, the peak of resident memory (the kernel's VmHWM) and what was made.
 */
import { spawn } from 'node:child_process';
import { createWriteStream, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { loadStreams } from '@windrow/contracts';
import { createTestBucket } from '@windrow/lake/testing';
import { services } from '../../packages/cli/src/services/definitions.ts';
import { createDatabase } from '../../services/postgres-sink/fixtures/test-database.ts';

const [service = '', eventsText = '0', ...nodeOptions] = process.argv.slice(2);
const events = Number(eventsText);
const env = process.env as Record<string, string>;
const clockTicksPerSecond = 100;
const logFile = join(tmpdir(), `drain-${service}.log`);

const bucket = service === 'lake-sink' ? await createTestBucket(env) : undefined;
const database =
  service === 'postgres-sink' ? await createDatabase(env.DATABASE_URL ?? '', await loadStreams()) : undefined;
const adminPort = await freePort();
const startedMs = performance.now();
const sink = spawn(
  process.execPath,
  [...nodeOptions, fileURLToPath(new URL(`../../services/${service}/src/main.ts`, import.meta.url))],
  {
    env: {
      ...services.find(({ name }) => name === service)?.env,
      ...env,
      ADMIN_PORT: String(adminPort),
      ...(bucket && { LAKE_BUCKET: bucket.options.bucket }),
      ...(database && { DATABASE_URL: database.url }),
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  },
);
sink.stderr.pipe(createWriteStream(logFile));
let ended = false;
sink.on('exit', () => {
  ended = true;
});

let landed = 0;
let residentMb: number[] = [];
while (landed < events) {
  if (ended) throw new Error(`${service} ended; its log: ${logFile}`);
  await sleep(250);
  residentMb.push(kilobytes('VmRSS') / 1024);
  landed = await landedRows();
}
const seconds = (performance.now() - startedMs) / 1000;
residentMb = residentMb.sort((a, b) => a - b);
const cpuSeconds = cpuTicks() / clockTicksPerSecond;
console.log({
  at: new Date().toISOString(),
  load: loadavg()[0]?.toFixed(1),
  service,
  rows: landed,
  seconds: Number(seconds.toFixed(1)),
  rowsPerSecond: Math.round(landed / seconds),
  cpuSeconds,
  rowsPerCpuSecond: Math.round(landed / cpuSeconds),
  peakRssMb: Math.round(kilobytes('VmHWM') / 1024),
  medianRssMb: Math.round(residentMb[residentMb.length >> 1] ?? 0),
  ...(bucket && (await files())),
});
sink.kill('SIGTERM');
while (!ended) await sleep(50);
bucket?.store.close();
await database?.drop();

function kilobytes(field: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${sink.pid}/status`, 'utf8');
  return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1]);
}

/** User and system time of the process; the fields after its name, which may hold blanks. */
function cpuTicks(): number {
  const fields = readFileSync(`/proc/${sink.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return Number(fields[11]) + Number(fields[12]);
}

async function landedRows(): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${adminPort}/metrics`).catch(() => undefined);
  const text = (await answer?.text()) ?? '';
  const series = /^windrow_events_total\{[^}]*stream="track"[^}]*outcome="ok"[^}]*\} (\d+)/gm;
  return [...text.matchAll(series)].reduce((sum, [, count]) => sum + Number(count), 0);
}

async function files() {
  let count = 0;
  let bytes = 0;
  for await (const { key, sizeBytes } of bucket!.store.list({ prefix: '' })) {
    if (!key.endsWith('.parquet') || key.includes('_delta_log')) continue;
    count += 1;
    bytes += sizeBytes;
  }
  return {
    files: count,
    meanFileKb: Math.round(bytes / count / 1024),
    rowsPerFile: Math.round(landed / count),
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}
