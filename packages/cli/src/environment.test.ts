import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { installationEnvironment, otherEndpoints, resolveEnvironment, stateDirOf } from './environment.ts';

let stateDir: string;
beforeEach(() => {
  stateDir = mkdtempSync(path.join(os.tmpdir(), 'windrow-environment-'));
});
afterEach(() => rmSync(stateDir, { recursive: true }));

function runStack(): void {
  const lines = ['KAFKA_BROKERS=127.0.0.1:1', 'DATABASE_URL=postgres://local', 'AWS_REGION=us-east-1', ''];
  writeFileSync(path.join(stateDir, 'stack.env'), lines.join('\n'));
}

test("the local stack's endpoints, over credentials that happen to be in the environment", () => {
  runStack();
  const { source, env } = resolveEnvironment(
    { AWS_REGION: 'eu-west-1', LAKE_MAX_AGE_SECONDS: '5' },
    stateDir,
  );
  expect(source).toBe('stack');
  expect(env).toMatchObject({
    KAFKA_BROKERS: '127.0.0.1:1',
    AWS_REGION: 'us-east-1',
    LAKE_MAX_AGE_SECONDS: '5',
  });
});

test.each([
  { KAFKA_BROKERS: 'remote:9092' },
  { DATABASE_URL_FILE: '/run/secrets/database' },
  { LAKE_BUCKET: 'lake' },
])('an environment that names an endpoint counts alone: %j', (own) => {
  runStack();
  expect(resolveEnvironment(own, stateDir)).toEqual({ source: 'environment', env: own });
});

test('endpoints of an earlier stack in the environment are named, with the way out', () => {
  runStack();
  expect(otherEndpoints({ KAFKA_BROKERS: '127.0.0.1:1' }, stateDir)).toBeUndefined();
  expect(otherEndpoints({}, stateDir)).toBeUndefined();
  const earlier = {
    KAFKA_BROKERS: '127.0.0.1:9',
    DATABASE_URL: 'postgres://windrow:secret@127.0.0.1:8/windrow',
  };
  expect(otherEndpoints(earlier, stateDir)).toMatch(
    /^the environment has KAFKA_BROKERS=127\.0\.0\.1:9, DATABASE_URL=(?!.*secret).*; the stack that runs in .* has others\. .* unset KAFKA_BROKERS DATABASE_URL$/,
  );
});

test('endpoints in the environment without a stack are named', () => {
  expect(otherEndpoints({ LAKE_BUCKET: 'lake' }, stateDir)).toMatch(/LAKE_BUCKET=lake; no stack runs in/);
});

test('nothing runs and nothing is named', () => {
  expect(resolveEnvironment({}, stateDir).source).toBe('nothing');
  expect(() => installationEnvironment({}, stateDir)).toThrow(/windrow stack up/);
});

test("the state directory is the clone's own, unless another one is named", () => {
  expect(stateDirOf({})).toMatch(/\/\.windrow$/);
  expect(stateDirOf({ WINDROW_STATE_DIR: stateDir })).toBe(stateDir);
});
