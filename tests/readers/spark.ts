import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { WindrowError } from '@windrow/runtime';
import type { LakeEnvironment } from './readers.ts';

/** Spark in a process of its own, with one JVM, for all questions of a test file. */
export interface Spark {
  /**
   * What tests/readers/spark/answer.py answers to one question; several wait for each other.
   * @throws WindrowError FILE_UNREADABLE with what Spark said
   */
  ask(question: 'files' | 'filter' | 'rows' | 'examples', about: object): Promise<unknown>;
  /** Resolves when its processes have ended and its files are gone. */
  stop(): Promise<void>;
}

const python = fileURLToPath(new URL('../../.windrow/parts/spark/bin/python', import.meta.url));
const readers = fileURLToPath(new URL('.', import.meta.url));

/**
 * Returns at once; what is asked waits for the start. When this process ends, so does Spark.
 * @throws WindrowError STACK_PREREQUISITE_MISSING when it isn't installed
 */
export function startSpark(env: LakeEnvironment): Spark {
  if (!existsSync(python)) {
    throw new WindrowError(
      'STACK_PREREQUISITE_MISSING',
      `Spark is not at ${python}: run npm run setup -- --readers`,
    );
  }
  const dir = mkdtempSync(path.join(tmpdir(), 'windrow-spark-'));
  const child = spawn(python, [path.join(readers, 'spark/answer.py')], {
    cwd: dir,
    env: {
      ...process.env,
      ...env,
      PYTHONPATH: readers,
      SPARK_DIR: dir,
      SPARK_LOCAL_IP: '127.0.0.1',
      TZ: 'UTC',
    },
  });
  const waiting: { resolve(answer: unknown): void; reject(error: unknown): void }[] = [];
  let said = '';
  let ended: WindrowError | undefined;
  child.stderr.on('data', (text) => {
    said = `${said}${text}`.slice(-2_000);
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    const { answer, error } = JSON.parse(line) as { answer?: unknown; error?: string };
    const asked = waiting.shift();
    if (error === undefined) asked?.resolve(answer);
    else asked?.reject(new WindrowError('FILE_UNREADABLE', `Spark failed: ${error.slice(0, 2_000)}`));
  });
  const closed = once(child, 'close').then(() => {
    ended = new WindrowError('FILE_UNREADABLE', `Spark has ended: ${said.trim()}`);
    for (const { reject } of waiting.splice(0)) reject(ended);
  });
  child.stdin.on('error', () => undefined);
  return {
    ask: (question, about) =>
      new Promise((resolve, reject) => {
        if (ended) throw ended;
        waiting.push({ resolve, reject });
        child.stdin.write(`${JSON.stringify({ ask: question, ...about })}\n`);
      }),
    async stop() {
      child.stdin.end();
      await closed;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
