import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTestBucket, type TestBucket } from '@windrow/lake/testing';
import { must } from '@windrow/runtime/testing';
import { type Sample, type SinkProcess, type SinkState, startSinkProcess } from './sink-process.ts';
import { type TableHistory, tableHistory } from './table-history.ts';
import { type EventsTopic, partitions } from './topic.ts';

/** Each answer takes the sink some milliseconds. */
const askEveryMs = 1_000;

export interface LandOptions {
  topic: EventsTopic;
  events: number;
  instances: number;
  /** The stack's endpoints, and what the sinks are told beyond their defaults. */
  env: NodeJS.ProcessEnv;
  /** For logs. */
  dir: string;
  nodeOptions?: string[];
}

export interface Landed extends TableHistory {
  bucket: TestBucket;
  fileBytes: number;
  /** Of the process that took longest. */
  secondsToReady: number;
  /** From the first process that was ready to the last commit. */
  seconds: number;
  rowsPerSecond: number;
  /** Of all processes, their start included. */
  cpuSeconds: number;
  /** From the first commit on; absent where there is one only. */
  warm?: { rowsPerSecond: number; rowsPerCpuSecond: number };
  /** Of the process with the most. */
  peakRssMiB: number;
  /** The most that the sinks say they held of rows, together. */
  heldMiB: number;
}

/**
 * Has sink processes land the whole topic in a new bucket. When they have taken up all of it they are stopped, so that the last
 * micro-batch, which isn't full, need not wait until it is old.
 * @throws Error when a sink ends by itself, or other than `events` rows have landed
 */
export async function land({
  topic,
  events,
  instances,
  env,
  dir,
  nodeOptions = [],
}: LandOptions): Promise<Landed> {
  const bucket = await createTestBucket(env as Record<string, string>);
  const started = await Promise.allSettled(
    Array.from({ length: instances }, (_, index) =>
      startSinkProcess({
        env: { ...env, LAKE_BUCKET: bucket.options.bucket },
        logFile: path.join(dir, `${bucket.options.bucket}-${index + 1}.log`),
        nodeOptions,
      }),
    ),
  );
  const sinks = started.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
  let heldBytes = 0;
  try {
    for (const start of started) if (start.status === 'rejected') throw start.reason;
    const failed = Promise.race(sinks.map((sink) => sink.failed));
    for (;;) {
      const states = await Promise.race([Promise.all(sinks.map((sink) => sink.state(topic))), failed]);
      heldBytes = Math.max(heldBytes, sum(states.map((state) => state.heldBytes)));
      if (areAtEnd(states, events)) break;
      await Promise.race([sleep(askEveryMs), failed]);
    }
  } finally {
    await Promise.all(sinks.map((sink) => sink.stop()));
  }
  const history = await tableHistory(bucket.store, topic.table);
  const rows = sum(history.commits.map((commit) => commit.rows));
  if (rows !== events) throw new Error(`${rows} rows have landed, not ${events}; the logs are in ${dir}`);
  return { bucket, ...history, ...figures(sinks, history), heldMiB: heldBytes / 2 ** 20 };
}

/** All is taken up, and what hasn't landed is a micro-batch for each at most, so that a stop has the time to land it. */
function areAtEnd(states: SinkState[], events: number): boolean {
  const lags = states.flatMap((state) => state.lags);
  if (lags.length < partitions || lags.some((lag) => lag > 0)) return false;
  const landed = sum(states.map(({ landedRows }) => landedRows));
  const microBatches = sum(states.map((state) => state.microBatches));
  return microBatches === 0 || events - landed < 1.1 * states.length * (landed / microBatches);
}

function figures(
  sinks: SinkProcess[],
  { commits, files }: TableHistory,
): Omit<Landed, 'bucket' | 'heldMiB' | keyof TableHistory> {
  const rows = sum(commits.map((commit) => commit.rows));
  const readyMs = Math.min(...sinks.map((sink) => sink.readyMs));
  const [first, last] = [must(commits[0]), must(commits.at(-1))];
  const cpuAt = (ms: number) => sum(sinks.map(({ samples }) => cpuSecondsAt(samples, ms)));
  const warmRows = rows - first.rows;
  return {
    fileBytes: sum(files.map(({ bytes }) => bytes)),
    secondsToReady: Math.max(...sinks.map((sink) => sink.secondsToReady)),
    seconds: (last.atMs - readyMs) / 1000,
    rowsPerSecond: rows / ((last.atMs - readyMs) / 1000),
    cpuSeconds: cpuAt(Number.POSITIVE_INFINITY),
    ...(commits.length > 1 && {
      warm: {
        rowsPerSecond: warmRows / ((last.atMs - first.atMs) / 1000),
        rowsPerCpuSecond: warmRows / (cpuAt(last.atMs) - cpuAt(first.atMs)),
      },
    }),
    peakRssMiB: Math.max(...sinks.flatMap(({ samples }) => samples.map(({ peakRssMiB }) => peakRssMiB))),
  };
}

function cpuSecondsAt(samples: Sample[], ms: number): number {
  return samples.findLast(({ atMs }) => atMs <= ms)?.cpuSeconds ?? 0;
}

const sum = (numbers: number[]): number => numbers.reduce((total, number) => total + number, 0);
