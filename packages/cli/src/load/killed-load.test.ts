import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { must } from '@windrow/runtime/testing';
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from 'vitest';
import { all, directoryOf, LoadTopics, lines, loadTrack } from './fixtures/track-loads.ts';

const env = { ...inject('endpoints') };
const main = fileURLToPath(new URL('../main.ts', import.meta.url));
let topics: LoadTopics;

beforeAll(async () => {
  topics = await LoadTopics.open(env);
});
afterAll(() => topics?.close());

test('killed in the middle, the next load sends what is missing, and goes on within the file that was cut', async () => {
  const of = randomUUID();
  const events = 100_000;
  const small = Object.fromEntries(
    Array.from({ length: 8 }, (_, n) => [
      `date=2013-01-0${n < 4 ? 1 : 3}/${n}.jsonl`,
      lines(`${of}-s${n}`, 500),
    ]),
  );
  const dir = directoryOf({ ...small, 'date=2013-01-02/big.jsonl.gz': gzipSync(lines(`${of}-big`, events)) });
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const child = spawn(process.execPath, [main, 'load', '--stream', 'track', '--concurrency', '2', dir], {
    env: { ...process.env, ...env },
    stdio: 'ignore',
  });
  const ended = new Promise<unknown>((resolve) => child.on('exit', (_, signal) => resolve(signal)));
  const isBig = ({ url }: { url: string }) => url.endsWith('big.jsonl.gz');
  const inBig = topics.remembered(path.basename(dir), (file) => isBig(file) && file.position > 0);
  await Promise.race([inBig, ended.then((how) => Promise.reject(new Error(`it ended before: ${how}`)))]);
  child.kill('SIGKILL');
  expect(await ended).toBe('SIGKILL');

  const known = await topics.remembered(path.basename(dir));
  const done = known.filter((file) => file.done).map(({ url }) => Number(/(\d)\.jsonl$/.exec(url)?.[1]));
  const { position, done: isBigDone } = must(known.find(isBig));
  expect(isBigDone).toBe(false);
  expect(done.length).toBeGreaterThan(0);
  const before = await topics.idsOf(of);
  expect(before.length).toBeLessThan(events);
  // Never ahead of what Kafka has.
  const there = new Set(before);
  expect(all([`${of}-big`, position]).filter((id) => !there.has(id))).toEqual([]);

  const { printed, failure } = await loadTrack(env, dir);
  expect(failure).toBeUndefined();
  expect(printed).toContain(`big.jsonl.gz: went on after ${position.toLocaleString('en-US')} events`);
  const after = await topics.idsOf(of);
  expect([...new Set(after)].sort()).toEqual(
    all(
      [`${of}-big`, events],
      ...Array.from({ length: 8 }, (_, n) => [`${of}-s${n}`, 500] as [string, number]),
    ),
  );
  const counts = new Map<string, number>();
  for (const id of after) counts.set(id, (counts.get(id) ?? 0) + 1);
  for (const [id, times] of counts) {
    if (times === 1) continue;
    // What was under way when it was killed.
    const [, name, n] = must(/-(big|s\d)-(\d+)$/.exec(id) ?? undefined);
    if (name === 'big') expect(Number(n)).toBeGreaterThanOrEqual(position);
    else expect(done).not.toContain(Number(must(name).slice(1)));
  }
  expect((await loadTrack(env, dir)).printed).toContain('9 files already loaded');
});
