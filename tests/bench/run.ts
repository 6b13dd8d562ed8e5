/**
 * `npm run bench -- NAME [arguments]`: runs one benchmark, on a stack of its own where it needs one. Figures depend on the
 * machine: compare what one run printed, not runs of different machines.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import path from 'node:path';
import { type PartName, startStack } from '@windrow/stack';

const root = path.resolve(import.meta.dirname, '../..');

const benches: Record<string, { what: string; script: string; parts: PartName[] }> = {
  encode: {
    what: 'Parquet encoders: columns to a file; [rows] [encoder]',
    script: 'packages/lake/bench/encode.ts',
    parts: [],
  },
  enrich: {
    what: 'the enricher, from Kafka to Kafka; [times the flights] [partitions]',
    script: 'services/enricher/bench/throughput.ts',
    parts: ['kafka', 'registry'],
  },
  http: {
    what: 'the producer over HTTP, beside bare servers; [seconds]',
    script: 'tests/bench/http.ts',
    parts: ['kafka', 'registry'],
  },
  postgres: {
    what: 'the Postgres sink, from Kafka to the tables; [events] [micro-batch rows]',
    script: 'services/postgres-sink/bench/land.ts',
    parts: ['kafka', 'registry', 'postgres'],
  },
};

const [name = '', ...args] = process.argv.slice(2);
const bench = benches[name];
if (!bench) {
  const lines = Object.entries(benches).map(([key, { what }]) => `  ${key.padEnd(10)}${what}`);
  console.error(`usage: npm run bench -- NAME [arguments]\n\n${lines.join('\n')}`);
  process.exit(2);
}

console.log(`${cpus().length} × ${cpus()[0]?.model}, load ${loadavg()[0]?.toFixed(1)}`);
const runs = path.join(root, '.windrow/bench');
mkdirSync(runs, { recursive: true });
const stateDir = mkdtempSync(path.join(runs, `${name}-`));
const stack = bench.parts.length > 0 ? await startStack({ stateDir, parts: bench.parts }) : undefined;
try {
  const env = { ...process.env, ...stack?.endpoints };
  const child = spawn(process.execPath, [path.join(root, bench.script), ...args], { stdio: 'inherit', env });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  process.exitCode = await new Promise<number>((resolve) => child.on('close', (code) => resolve(code ?? 1)));
} finally {
  await stack?.stop();
  rmSync(stateDir, { recursive: true, force: true });
}
