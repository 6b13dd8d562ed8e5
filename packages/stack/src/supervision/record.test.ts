import assert from 'node:assert';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type StackPaths, stackPaths } from '../state.ts';
import { groupStatus, stopGroup } from './background.ts';
import { SupervisedGroup } from './group.ts';
import { identify } from './process-identity.ts';
import { type GroupKind, readRecord, recordPath } from './record.ts';

const kind: GroupKind = {
  name: 'services',
  recordFile: 'group.json',
  supervisorLog: 'group',
  downCommand: 'windrow down',
  errorCode: 'SERVICE_FAILED',
  runningCode: 'USAGE',
  stopWithinMs: 1_000,
  ownsMarkedProcesses: false,
};
const silent = { owner: 'embedded', log: () => undefined } as const;
let paths: StackPaths;

beforeEach(() => {
  paths = stackPaths(mkdtempSync(path.join(os.tmpdir(), 'windrow-record-')));
});
afterEach(() => rmSync(paths.stateDir, { recursive: true }));

test('a group has one owner until it is stopped, which only the owner may do', async () => {
  const group = await SupervisedGroup.claim(kind, paths, silent);
  await expect(SupervisedGroup.claim(kind, paths, silent)).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringMatching(/already starting under process \d+\. Run windrow down first$/),
  });
  await expect(stopGroup(kind, paths, () => undefined)).rejects.toMatchObject({ code: 'USAGE' });
  expect(readRecord(kind, paths)).toMatchObject({
    version: 1,
    owner: { pid: process.pid, kind: 'embedded' },
  });
  await group.stop();
  expect(groupStatus(kind, paths).state).toBe('stopped');
  await (await SupervisedGroup.claim(kind, paths, silent)).stop();
});

// Records had no version before 1.
test.each([undefined, 2])('a record of format %s is replaced if its owner is gone', async (version) => {
  const owner = { pid: process.pid, startedAt: 'long ago', kind: 'supervisor' };
  const former = { version, owner, state: 'ready', services: [{ name: 'producer' }] };
  writeFileSync(recordPath(kind, paths), JSON.stringify(former));
  expect(groupStatus(kind, paths)).toEqual({ state: 'crashed', processes: [] });
  const group = await SupervisedGroup.claim(kind, paths, silent);
  expect(readRecord(kind, paths)).toMatchObject({ version: 1, state: 'starting' });
  await group.stop();
  writeFileSync(recordPath(kind, paths), JSON.stringify(former));
  expect(await stopGroup(kind, paths, () => undefined)).toEqual({ supervised: false, leftovers: 0 });
  expect(existsSync(recordPath(kind, paths))).toBe(false);
});

test('a record of another format whose owner is running is not touched', async () => {
  const self = identify(process.pid);
  assert(self);
  writeFileSync(
    recordPath(kind, paths),
    JSON.stringify({ version: 2, owner: { ...self, kind: 'supervisor' } }),
  );
  const refused = { code: 'FILE_UNREADABLE', message: expect.stringContaining('format 2, expected 1') };
  await expect(SupervisedGroup.claim(kind, paths, silent)).rejects.toMatchObject(refused);
  await expect(stopGroup(kind, paths, () => undefined)).rejects.toMatchObject(refused);
  expect(existsSync(recordPath(kind, paths))).toBe(true);
});
