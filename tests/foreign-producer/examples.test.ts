import { execFile } from 'node:child_process';
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
afterAll(() => windrow?.stop());

/** Runs an example as a person would; what it prints on standard output. */
async function ran(command: string, args: string[]): Promise<string> {
  const { KAFKA_BROKERS, SCHEMA_REGISTRY_URL } = windrow.endpoints;
  const { PATH, HOME } = process.env;
  const { stdout } = await run(command, args, {
    cwd: examples,
    env: { PATH, HOME, KAFKA_BROKERS, SCHEMA_REGISTRY_URL },
  });
  return stdout;
}

test(
  'the examples of producers in four languages are served, and agree on the partition of a key',
  patient,
  async () => {
    const kcat = `"${readersPython()}" kcat/encode.py < kcat/event.json | kcat/produce.sh rider-7`;
    const sent = [
      JSON.parse(await ran(process.execPath, ['kafkajs/produce.js'])) as Sent,
      JSON.parse(await ran(readersPython(), ['python/produce.py'])) as Sent,
      JSON.parse(await ran('java', ['-jar', javaJar])) as Sent,
    ];
    await ran('/bin/sh', ['-c', kcat]);
    await windrow.landed();

    const landed = await windrow.sql(
      "select event_id, properties->>'from' as producer from curated.track_event where user_id = 'rider-7' order by 2",
    );
    expect(landed).toEqual([
      { event_id: sent[2]?.event_id, producer: 'java' },
      { event_id: sent[0]?.event_id, producer: 'kafkajs' },
      { event_id: 'example-kcat-1', producer: 'kcat' },
      { event_id: sent[1]?.event_id, producer: 'python' },
    ]);
    const partitions = await windrow.lake(
      readWithDeltaRs,
      'raw/track',
      'select _partition as partition, count(*)::int as n from t group by 1',
    );
    expect(partitions).toEqual([{ partition: sent[0]?.partition, n: 4 }]);
  },
);

test('the same event again from kcat is found to be a duplicate', patient, async () => {
  const kcat = `"${readersPython()}" kcat/encode.py < kcat/event.json | kcat/produce.sh rider-7`;
  await ran('/bin/sh', ['-c', kcat]);
  await windrow.landed();
  const [row] = await windrow.sql(
    "select count(*)::int as n from curated.track_event where event_id = 'example-kcat-1'",
  );
  expect(row?.n).toBe(1);
  expect(await windrow.windrow('audit')).toContain('it adds up');
});
