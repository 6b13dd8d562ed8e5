import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { must } from '@windrow/runtime/testing';
import { compileCache, services } from '@windrow/stack';
import { type ProcessUsage, processUsage } from '../process-usage.ts';

const sampleEveryMs = 50;

export interface Sample extends ProcessUsage {
  atMs: number;
}

/** By its own metrics. */
export interface SinkState {
  /** For each of the topic's partitions that it owns, the offsets that it has not taken up yet. */
  lags: number[];
  /** In the table, so far, and by how many micro-batches. */
  landedRows: number;
  microBatches: number;
  /** Of rows that it has taken up and that haven't landed, and what it keeps for the next ones. */
  heldBytes: number;
}

/** A lake sink as `windrow up` runs it, watched from outside. */
export interface SinkProcess {
  /** When it said that it was ready, epoch milliseconds. */
  readyMs: number;
  /** From when it was started. */
  secondsToReady: number;
  /** From its start to its end. */
  samples: Sample[];
  /** Rejects when it ends without being asked to. */
  failed: Promise<never>;
  state(of: { topic: string; table: string }): Promise<SinkState>;
  /** SIGTERM: it lands what it has taken up. Fulfilled when it has ended. */
  stop(): Promise<void>;
}

/** Fulfilled when it is ready. @throws Error naming its log, when it ends before */
export async function startSinkProcess(options: {
  env: NodeJS.ProcessEnv;
  logFile: string;
  nodeOptions?: string[];
}): Promise<SinkProcess> {
  const { env, logFile, nodeOptions = [] } = options;
  const startedMs = Date.now();
  const definition = must(services.find(({ name }) => name === 'lake-sink'));
  const child = spawn(process.execPath, [...nodeOptions, definition.main], {
    env: { ...compileCache, ...definition.env, ...env, ADMIN_PORT: '0' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const samples: Sample[] = [];
  const sampling = setInterval(() => {
    const usage = processUsage(must(child.pid));
    if (usage) samples.push({ atMs: Date.now(), ...usage });
  }, sampleEveryMs);
  const ready = Promise.withResolvers<number>();
  let address = '';
  let stopping = false;
  const log = createWriteStream(logFile);
  createInterface({ input: child.stderr }).on('line', (line) => {
    log.write(`${line}\n`);
    if (!line.startsWith('{')) return;
    const told = JSON.parse(line) as { msg: string; time: string; address?: string };
    if (told.msg === 'listening') address = must(told.address);
    if (told.msg === 'ready') ready.resolve(Date.parse(told.time));
  });
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => {
      clearInterval(sampling);
      process.off('exit', kill);
      log.end(resolve);
    });
  });
  const failed = ended.then((): never | Promise<never> => {
    if (stopping) return new Promise<never>(() => undefined);
    throw new Error(`the sink has ended by itself; its log: ${logFile}`);
  });
  failed.catch(() => undefined);
  const readyMs = await Promise.race([ready.promise, failed]);
  return {
    readyMs,
    secondsToReady: (readyMs - startedMs) / 1000,
    samples,
    failed,
    async state({ topic, table }) {
      const metrics = await (await fetch(`${address}/metrics`)).text();
      const valuesOf = (series: string, label = ''): number[] =>
        [...metrics.matchAll(new RegExp(`^${series}\\{(.*)\\} (.+)$`, 'gm'))].flatMap(([, labels, value]) =>
          must(labels).includes(label) ? [Number(value)] : [],
        );
      return {
        lags: valuesOf('windrow_consumer_lag', `topic="${topic}"`),
        landedRows: valuesOf('windrow_events_total', `table="${table}",outcome="ok"`)[0] ?? 0,
        microBatches: valuesOf('windrow_microbatch_rows_count')[0] ?? 0,
        heldBytes: valuesOf('windrow_sink_buffer_bytes')[0] ?? Number.NaN,
      };
    },
    async stop() {
      stopping = true;
      child.kill('SIGTERM');
      await ended;
    },
  };
}
