import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { defaultStateDir } from '@windrow/stack';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import {
  type Installation,
  recoveryMs,
  startInstallation,
  trackEvents,
  undecodable,
} from '../failpoints/installation.ts';

const repository = path.resolve(import.meta.dirname, '../..');
const page = readFileSync(path.join(repository, 'docs/how-to/add-a-sink.md'), 'utf8');
const service = 'services/files-sink';
const topic = 'track.enriched';
const partitions = 2;

/** The code blocks of the page that say which file they are. */
const files = new Map(
  [...page.matchAll(/^```\w+ (\S+)\n([\s\S]*?)^```$/gm)].map(([, name = '', text = '']) => [name, text]),
);

let here: Installation;
/** Below the repository, so that its packages are found. */
let folder: string;

beforeAll(async () => {
  const runs = path.join(defaultStateDir, 'test');
  mkdirSync(runs, { recursive: true });
  folder = mkdtempSync(path.join(runs, 'add-a-sink-'));
  for (const [name, text] of files) {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  here = await startInstallation(['kafka', 'registry'], partitions);
});
afterAll(async () => {
  await here?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** A process of the sink. It ends with the test, at the latest. */
function start(directory: string): {
  child: ChildProcess;
  ended: Promise<number | null>;
  stop(): Promise<number | null>;
} {
  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, [path.join(folder, service, 'src/main.ts')], {
    env: {
      ...{ PATH, HOME, ADMIN_PORT: '0', LOG_LEVEL: 'warn', KAFKA_SESSION_TIMEOUT_MS: '6000' },
      ...here.stack.endpoints,
      FILES_DIRECTORY: directory,
    },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  const stop = () => {
    child.kill('SIGTERM');
    return ended;
  };
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return { child, ended, stop };
}

/** What a reader of the folder sees. */
function read(directory: string) {
  const folderOfTrack = path.join(directory, 'track');
  const names = existsSync(folderOfTrack)
    ? readdirSync(folderOfTrack).filter((name) => name.endsWith('.ndjson'))
    : [];
  const contents = names
    .sort()
    .map((name) => readFileSync(path.join(folderOfTrack, name), 'utf8').trimEnd().split('\n'));
  const ledger: { partitions: Record<string, { nextOffset: number }> } = JSON.parse(
    contents.at(-1)?.[0] ?? '{"partitions":{}}',
  );
  const rows: { event_id: string }[] = contents.flatMap((lines) =>
    lines.slice(1).map((line) => JSON.parse(line)),
  );
  return { files: names.length, ledger, ids: rows.map(({ event_id }) => event_id) };
}

/** Until the ledger has reached the topic's end. */
const landed = (directory: string) =>
  vi.waitFor(async () => {
    const { ledger } = read(directory);
    const ends = await here.broker.endOffsets(topic);
    for (const [partition, end] of ends) expect(ledger.partitions[partition]?.nextOffset).toBe(end);
  }, recoveryMs);

test('the sink is three files in a folder of its own, and its types hold', { timeout: 180_000 }, () => {
  expect([...files.keys()].map((name) => path.dirname(name).split('/').slice(0, 2).join('/'))).toEqual([
    service,
    service,
    service,
  ]);
  const config = path.join(folder, 'tsconfig.json');
  writeFileSync(
    config,
    JSON.stringify({
      extends: path.join(repository, 'tsconfig.json'),
      include: [path.join(folder, service)],
      // The root excludes the folder of test runs.
      exclude: [],
    }),
  );
  execFileSync(path.join(repository, 'node_modules/.bin/tsc'), ['--noEmit', '-p', config], {
    stdio: 'inherit',
  });
});

test('each event is there once: killed in the middle, taken over, and woken as a zombie', async () => {
  const directory = path.join(folder, 'data');
  const sent: string[] = [];
  const send = async (count: number) => {
    const events = trackEvents(count);
    sent.push(...events.map(({ event_id }) => event_id));
    await here.send(
      topic,
      events.map((event) => here.encode(topic, event)),
    );
  };

  const killed = start(directory);
  await send(2_000);
  await vi.waitFor(() => expect(read(directory).ids).not.toEqual([]), recoveryMs);
  await send(2_000);
  await here.send(topic, [undecodable()]);
  killed.child.kill('SIGKILL');
  await killed.ended;

  const zombie = start(directory);
  await landed(directory);
  await send(2_000);
  zombie.child.kill('SIGSTOP');
  const successor = start(directory);
  await landed(directory);
  zombie.child.kill('SIGCONT');
  await here.members('files-sink', 2);
  await send(2_000);
  await landed(directory);
  expect(await zombie.stop()).toBe(0);
  await send(2_000);
  await landed(directory);
  expect(await successor.stop()).toBe(0);

  expect(read(directory).ids.sort()).toEqual(sent.sort());
  const letters = (await here.read('dead-letter')).map(({ value }) => value);
  expect(letters).toEqual([expect.objectContaining({ topic, reason: 'not_avro', service: 'files-sink' })]);
});
