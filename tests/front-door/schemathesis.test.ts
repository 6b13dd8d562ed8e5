import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { must } from '@windrow/runtime/testing';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { addressOf, type Producers, startProducers } from './producers.ts';

const schemathesis = fileURLToPath(
  new URL('../../.windrow/parts/schemathesis/bin/schemathesis', import.meta.url),
);
const seed = 20_261;
/** It leaves its examples where it is started. */
const cwd = mkdtempSync(path.join(tmpdir(), 'windrow-schemathesis-'));
let producers: Producers;

beforeAll(async () => {
  producers = await startProducers(1, inject('endpoints'));
});
afterAll(async () => {
  await producers?.stop();
  rmSync(cwd, { recursive: true });
});

test('Schemathesis finds nothing that the API does otherwise than its description says', {
  timeout: 600_000,
}, async ({ signal }) => {
  const address = addressOf(must(producers.instances[0]));
  await expect
    .poll(async () => (await must(producers.instances[0]).health()).ready, { timeout: 60_000 })
    .toBe(true);
  const args = [
    'run',
    `${address}/docs/openapi.json`,
    `--url=${address}`,
    '--max-examples=4',
    `--seed=${seed}`,
    // What a schema can't say, the contracts' rules do: a message that fits the schema may be refused all the same.
    '--exclude-checks=positive_data_acceptance',
    '--no-color',
  ];
  const ran = await promisify(execFile)(schemathesis, args, { cwd, signal, maxBuffer: 2 ** 26 }).catch(
    (error: { stdout: string; stderr: string }) => error,
  );
  expect(`${ran.stdout}\n${ran.stderr}`).toMatch(/Selected: (\d\d)\/\1\s[\s\S]*No issues found/);
});
