import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { clone, Installation } from '../end-to-end/installation.ts';
import { readersPython } from '../readers/python.ts';
import { readWithDeltaRs } from '../readers/readers.ts';

const run = promisify(execFile);
const examples = join(clone, 'examples/producers');
/** `npm run setup -- --readers` builds it as the example's own instructions say. */
const javaJar = join(clone, '.windrow/parts/java-producer/target/produce.jar');
const kcatEvent = JSON.parse(readFileSync(join(examples, 'kcat/event.json'), 'utf8')) as object;

interface Sent {
  event_id: string;
  partition: number;
}

/** A JVM, two Pythons and a Node start in these tests, beside a whole installation. */
const patient = { timeout: 240_000 };

let windrow: Installation;

beforeAll(async () => {
  windrow = await Installation.start();
}, 300_000);
afterAll(() => windrow?.stop(), 300_000);

/** Runs an example as a person would; what it prints on standard output. */
async function ran(command: string, args: string[], env: Record<string, string> = {}): Promise<string> {
  const { KAFKA_BROKERS, SCHEMA_REGISTRY_URL } = windrow.endpoints;
  const { PATH, HOME } = process.env;
  const { stdout } = await run(command, args, {
    cwd: examples,
    env: { PATH, HOME, KAFKA_BROKERS, SCHEMA_REGISTRY_URL, ...env },
  });
  return stdout;
}

async function sent(command: string, ...args: string[]): Promise<Sent> {
  return JSON.parse(await ran(command, args)) as Sent;
}

/** The example of kcat with an event under the key `rider-7`. */
async function sendByKcat(event: object, ...options: string[]): Promise<void> {
  const encode = `printf %s "$EVENT" | "${readersPython()}" kcat/encode.py`;
  await ran('/bin/sh', ['-c', `${encode} | kcat/produce.sh rider-7 ${options.join(' ')}`], {
    EVENT: JSON.stringify(event),
  });
}

test('producers in four languages are served, and agree on the partition of a key', patient, async () => {
  const kafkajs = await sent(process.execPath, 'kafkajs/produce.js');
  const python = await sent(readersPython(), 'python/produce.py');
  const java = await sent('java', '-jar', javaJar);
  await sendByKcat(kcatEvent);
  await windrow.landed();

  const landed = await windrow.sql(
    "select event_id, properties->>'from' as producer from curated.track_event where user_id = 'rider-7' order by 2",
  );
  expect(landed).toEqual([
    { event_id: java.event_id, producer: 'java' },
    { event_id: kafkajs.event_id, producer: 'kafkajs' },
    { event_id: 'example-kcat-1', producer: 'kcat' },
    { event_id: python.event_id, producer: 'python' },
  ]);
  const partitions = await windrow.lake(
    readWithDeltaRs,
    'raw/track',
    'select _partition as partition, count(*)::int as n from t group by 1',
  );
  expect(partitions).toEqual([{ partition: kafkajs.partition, n: 4 }]);
});

test('kcat is served with each codec', patient, async () => {
  const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
  for (const codec of codecs) {
    await sendByKcat({ ...kcatEvent, event_id: `example-kcat-${codec}` }, '-z', codec);
  }
  await windrow.landed();
  const landed = await windrow.sql(
    "select event_id from curated.track_event where event_id like 'example-kcat-%' order by 1",
  );
  const expected = ['1', ...codecs].map((end) => `example-kcat-${end}`).sort();
  expect(landed.map(({ event_id }) => event_id)).toEqual(expected);
});

test('the same event again is found to be a duplicate', patient, async () => {
  await sendByKcat(kcatEvent);
  await windrow.landed();
  const [row] = await windrow.sql(
    "select count(*)::int as n from curated.track_event where event_id = 'example-kcat-1'",
  );
  expect(row?.n).toBe(1);
  expect(await windrow.windrow('audit')).toContain('it adds up');
});
