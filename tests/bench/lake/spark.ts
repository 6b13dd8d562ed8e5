import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { createTestBucket } from '@windrow/lake/testing';
import type { EventsTopic } from './topic.ts';

const root = path.resolve(import.meta.dirname, '../../..');
const installed = path.join(root, '.windrow/parts/spark');
const sessions = path.join(root, 'tests/readers/spark');

const howToGetIt = `\`npm run setup -- --readers\` brings Spark and its jars;
  or give the Python of another such environment: --peers /path/to/bin/python`;

/** One run of Spark over the topic, all of it in one batch. */
export interface PeerRun {
  version: string;
  rows: number;
  seconds: number;
  rowsPerSecond: number;
  /** Of the JVM during the run. */
  cpuSeconds: number;
  /** Of the JVM so far. */
  peakRssMiB: number;
  files: number;
  fileBytes: number;
}

/**
 * Spark Structured Streaming from the same topic into Delta tables on the same S3, `runs` times in one JVM, so that the last
 * ones are warm. @throws Error saying how to get Spark where it isn't there, or the end of what it said
 */
export async function sparkRuns(options: {
  topic: EventsTopic;
  events: number;
  runs: number;
  env: NodeJS.ProcessEnv;
  dir: string;
  /** Default: the one in `.windrow/parts/spark`. */
  python?: string | undefined;
  onRun(run: PeerRun): void;
}): Promise<void> {
  const { topic, events, runs, env, dir, python = path.join(installed, 'bin/python'), onRun } = options;
  const jars = path.join(path.dirname(path.dirname(python)), 'jars');
  if (!existsSync(python) || !existsSync(jars)) {
    const missing = existsSync(python) ? jars : python;
    throw new Error(`${missing} is not there. ${howToGetIt}`);
  }
  const bucket = await createTestBucket(env as Record<string, string>);
  const sparkDir = path.join(dir, 'spark');
  mkdirSync(sparkDir);
  const settings = {
    ...{ brokers: env.KAFKA_BROKERS, topic: topic.topic, schema: topic.schema, events, runs },
    ...{ bucket: bucket.options.bucket, endpoint: env.S3_ENDPOINT, region: env.AWS_REGION },
    ...{ accessKey: env.AWS_ACCESS_KEY_ID, secretKey: env.AWS_SECRET_ACCESS_KEY, dir: sparkDir },
  };
  const settingsFile = path.join(sparkDir, 'settings.json');
  writeFileSync(settingsFile, JSON.stringify(settings), { mode: 0o600 });
  const logFile = path.join(sparkDir, 'spark.log');
  const child = spawn(python, [path.join(import.meta.dirname, 'spark/stream.py'), settingsFile], {
    cwd: sparkDir,
    env: { ...process.env, PYTHONPATH: sessions },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // Its JVM ends when its end of the pipe to Python closes.
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  child.stderr.pipe(createWriteStream(logFile));
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (!line.startsWith('{')) return;
    const run = JSON.parse(line) as Omit<PeerRun, 'rowsPerSecond'>;
    onRun({ ...run, rowsPerSecond: run.rows / run.seconds });
  });
  const [code] = (await once(child, 'close')) as [number | null];
  process.off('exit', kill);
  bucket.store.close();
  if (code !== 0)
    throw new Error(`It ended with ${code}: ${readFileSync(logFile, 'utf8').trim().slice(-1_000)}`);
}
