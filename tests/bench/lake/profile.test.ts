import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { must } from '@windrow/runtime/testing';
import { expect, it } from 'vitest';
import { profiledAreas } from './profile.ts';

it('adds up the time of a process and its threads by where the code is, without waiting and without the start', () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'windrow-profile-'));
  const frames = [
    ['(idle)', ''],
    ['(garbage collector)', ''],
    ['encode', 'file:///home/me/windrow/packages/lake/src/parquet/page-body.ts'],
    ['commit', 'file:///home/me/windrow/services/lake-sink/src/lake-destination.ts'],
    ['decode', 'file:///home/me/windrow/node_modules/kafkajs/src/decoder.js'],
    ['send', 'file:///home/me/windrow/node_modules/@aws-sdk/client-s3/dist/index.js'],
    ['', 'node:internal/streams/readable'],
  ];
  const nodes = frames.map(([functionName, url], id) => ({ id, callFrame: { functionName, url } }));
  const profile = {
    nodes,
    startTime: 7e6,
    samples: [5, 0, 2, 2, 1, 3, 4, 5, 6],
    timeDeltas: [1e6, 9e6, 2e6, 2e6, 1e6, 5e5, 4e5, 3e5, 2e5],
  };
  for (const name of ['main.cpuprofile', 'thread.cpuprofile'])
    writeFileSync(path.join(dir, name), JSON.stringify(profile));
  writeFileSync(path.join(dir, 'notes.txt'), 'not a profile');
  expect(
    profiledAreas(dir, 1).map(({ name, seconds, functions }) => [name, seconds, must(functions[0]).name]),
  ).toEqual([
    ['packages/lake/parquet', 8, 'encode'],
    ['garbage collector', 2, '(garbage collector)'],
    ['services/lake-sink', 1, 'commit'],
    ['kafkajs', 0.8, 'decode'],
    ['@aws-sdk/client-s3', 0.6, 'send'],
    ['Node', 0.4, '(anonymous)'],
  ]);
});
