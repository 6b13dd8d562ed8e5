import { AvroRegistry, loadStreams, streamNamed } from '@windrow/contracts';
import { DeadLetterEncoder, type GroupCommit, Intake } from '@windrow/pipeline';
import { stackConfig } from '@windrow/pipeline/testing';
import { loadConfig, WindrowError } from '@windrow/runtime';
import { beforeAll, expect, inject, it } from 'vitest';
import { FileLoad } from './file-load.ts';
import type { LoadFile } from './load-file.ts';
import type { LoadedSoFar, LoadMemory } from './load-memory.ts';
import { Rejects } from './rejects.ts';

// What Kafka acknowledges, and in which order, can't be chosen of a real one: commit and memory are the test's.

const registry = new AvroRegistry(loadConfig(stackConfig, inject('endpoints')).SCHEMA_REGISTRY_URL);
let intake: Intake;
let deadLetterEncoder: DeadLetterEncoder;
let rejects: Rejects;
beforeAll(async () => {
  intake = await Intake.open(streamNamed(await loadStreams(), 'weather'), registry);
  deadLetterEncoder = await DeadLetterEncoder.open(registry);
  rejects = await Rejects.open(undefined, () => undefined);
});

const line = (n: number) =>
  n % 100 === 99 ? 'not json' : `{"city":"C${n}","observed_at":"2020-01-01","temperature_c":1}`;

function file(events: number): LoadFile {
  const text = Array.from({ length: events }, (_, n) => `${line(n)}\n`).join('');
  return {
    ...{ name: 'f', sizeBytes: text.length, remembered: { url: 'file:///f', version: '1' } },
    async *bytes() {
      yield Buffer.from(text);
    },
  };
}

/** `answer`: of the nth chunk, from 0. */
function load(events: number, answer: (chunk: number) => Promise<void>, soFar?: LoadedSoFar) {
  const sent: number[] = [];
  const remembered: LoadedSoFar[] = [];
  // As much of a GroupCommit and of a LoadMemory as a load calls.
  const commit = {
    send: (outputs: { records: unknown[] }[]) => {
      sent.push(outputs.reduce((sum, { records }) => sum + records.length, 0));
      return answer(sent.length - 1);
    },
  } as unknown as GroupCommit;
  const memory = {
    remember: async (_: unknown, __: unknown, of: LoadedSoFar) => void remembered.push({ ...of }),
  } as unknown as LoadMemory;
  const running = new FileLoad({
    ...{ file: file(events), intake, deadLetterEncoder, commit, memory, soFar, maxPendingChunks: 4 },
    ...{ reading: {}, rejects, onProgress: () => undefined, signal: new AbortController().signal },
  });
  return { run: running.run(), result: running.result, sent, remembered };
}

it('remembers every so often what has been acknowledged, and at the end that it is done', async () => {
  const { run, remembered } = load(25_000, async () => undefined);
  await run;
  expect(remembered.at(-1)).toEqual({ position: 25_000, sent: 24_750, rejected: 250, done: true });
  expect(remembered.slice(0, -1).map(({ position, done }) => ({ position, done }))).toEqual([
    { position: 10_000, done: false },
    { position: 20_000, done: false },
  ]);
});

it('goes on after what had been acknowledged, and adds to it', async () => {
  const soFar = { position: 20_100, sent: 19_899, rejected: 201, done: false };
  const { run, result, sent, remembered } = load(22_500, async () => undefined, soFar);
  await run;
  expect(sent).toEqual([1_000, 1_000, 400]);
  expect(result).toMatchObject({ startedAt: 20_100, read: 2_400, sent: 2_376, rejected: 24, complete: true });
  expect(remembered).toEqual([{ position: 22_500, sent: 22_275, rejected: 225, done: true }]);
});

it('never remembers past a chunk that Kafka has not taken, whatever it has taken of later ones', async () => {
  const lost = new WindrowError('KAFKA_UNAVAILABLE', 'lost', { retriable: true });
  const ninth = Promise.withResolvers<void>();
  const { run, remembered } = load(30_000, (chunk) => {
    if (chunk === 8) return ninth.promise;
    // The three that may be under way with it are taken first.
    if (chunk === 11) setImmediate(() => ninth.reject(lost));
    return Promise.resolve();
  });
  await expect(run).rejects.toBe(lost);
  expect(remembered).toEqual([]);
});
