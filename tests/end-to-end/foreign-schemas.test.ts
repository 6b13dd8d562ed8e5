import { execFile } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { partitionOfKey } from '@windrow/pipeline';
import { must } from '@windrow/runtime/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readersPython } from '../readers/python.ts';
import { readFilesWithDuckDb, readWithDeltaRs } from '../readers/readers.ts';
import { copyOfTheClone } from './clone-copy.ts';
import { clone, Installation } from './installation.ts';

// A producer of another language with a schema of its own: longs over 64 bits as ids, keys and values, times in microseconds.

const field = (name: string, type: unknown, more: object = {}) => ({ name, type, ...more });
const long = (logicalType: string) => ({ type: 'long', logicalType });
const recordOf = (name: string, fields: object[]) => ({ type: 'record', name, namespace: 'windrow', fields });
const values = [
  field('id', 'long'),
  field('device', 'long'),
  field('total', ['null', 'long'], { default: null }),
];

const folder = {
  'schema.avsc': JSON.stringify(recordOf('Reading', [...values, field('at', long('timestamp-millis'))])),
  'contract.ts': `
    import { defineStream } from '../../src/contract.ts';
    import { between } from '../../src/rules.ts';

    const retained = { cleanup: 'delete', retentionMs: 86_400_000 } as const;
    const column = (name, type) => ({ name, field: name, type });

    export default defineStream({
      name: 'readings',
      description: 'Readings of meters',
      id: ['id'],
      key: (record) => String(record.device),
      eventTime: 'at',
      topics: { raw: retained, enriched: retained },
      parse: (input) => input,
      rules: [between('device', 0, 2 ** 62)],
      dedupe: { horizonMs: 86_400_000 },
      steps: [],
      lake: { raw: 'raw/readings', curated: 'curated/readings' },
      curated: {
        table: 'curated.reading',
        columns: [
          column('id', 'bigint'), column('device', 'bigint'), column('total', 'bigint'), column('at', 'timestamptz'),
        ],
        key: ['id'],
        onConflict: 'ignore',
      },
    });`,
  'migrations/001_reading.sql':
    'CREATE TABLE curated.reading (id bigint PRIMARY KEY, device bigint NOT NULL, total bigint, at timestamptz NOT NULL);',
};

let copy: string;
let windrow: Installation;

beforeAll(async () => {
  copy = copyOfTheClone();
  for (const [name, text] of Object.entries(folder)) {
    const file = join(copy, 'packages/contracts/streams/readings', name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  windrow = await Installation.start(copy);
});
afterAll(async () => {
  await windrow?.stop();
  rmSync(copy, { recursive: true, force: true });
});

interface Sent {
  id: bigint;
  device?: bigint;
  total?: bigint;
  /** Default: by Kafka's default partitioner. */
  partition?: number;
}

const partitions = 4;
const atMicros = 1_700_000_000_123_456n;
const atText = '2023-11-14T22:13:20.123Z';

/** Sends readings as fastavro encodes them; `at`: the type of the time in their schema, and its value. */
async function send(
  readings: Sent[],
  { at = long('timestamp-micros'), value = atMicros, prefixed = true } = {},
): Promise<void> {
  const { KAFKA_BROKERS = '', SCHEMA_REGISTRY_URL = '' } = windrow.endpoints;
  const task = {
    // The order and the types are the producer's own.
    schema: recordOf('Reading', [
      field('at', at),
      ...values.map(({ name }) => field(name, 'long')).reverse(),
    ]),
    subject: `foreign-${at.logicalType}`,
    prefixed,
    readings: readings.map(({ id, device = id < 0n ? -id : id, total = id, partition }) => ({
      record: { id: `${id}`, device: `${device}`, total: `${total}`, at: `${value}` },
      key: `${device}`,
      partition: partition ?? partitionOfKey(`${device}`, partitions),
    })),
  };
  const script = join(clone, 'tests/foreign-producer/produce_readings.py');
  await new Promise<void>((resolve, reject) => {
    const child = execFile(readersPython(), [script, KAFKA_BROKERS, SCHEMA_REGISTRY_URL], (error) =>
      error ? reject(error) : resolve(),
    );
    child.stdin?.end(JSON.stringify(task));
  });
}

/** As doubles, some of them would be equal or have another sign. */
const ids = [
  2n ** 53n,
  2n ** 53n + 1n,
  -(2n ** 52n) - 1n,
  -(2n ** 53n),
  2n ** 62n,
  157_963_456_373_623_803n,
  1n,
];
const question = 'select id::varchar as id, device::varchar as device, total::varchar as total, "at" from t';
const bySize = (a: bigint, b: bigint) => (a < b ? -1 : 1);

async function expectEverywhere(lakeReaders = [readWithDeltaRs, readFilesWithDuckDb]): Promise<void> {
  const expected = [...ids].sort(bySize).map((id) => ({
    ...{ id: `${id}`, device: `${id < 0n ? -id : id}`, total: `${id}`, at: atText },
  }));
  for (const reader of lakeReaders)
    expect(await windrow.lake(reader, 'curated/readings', `${question} order by id::bigint`)).toEqual(
      expected,
    );
  const rows = await windrow.sql('select id, device, total, at from curated.reading order by reading.id');
  expect(rows.map(({ at, ...row }) => ({ ...row, at: (at as Date).toISOString() }))).toEqual(expected);
}

test('longs of 64 bits and times in microseconds are exact in the lake, in Postgres, in dead letters and after a replay', {
  timeout: 300_000,
}, async () => {
  await send([...ids.map((id) => ({ id })), { id: 2n ** 53n + 1n }, { id: 5n, device: 2n ** 63n - 1n }]);
  await windrow.landed();
  await expectEverywhere();
  const letters = await windrow.lake(
    readWithDeltaRs,
    'rejected/dead_letter',
    `select reason, message from t where topic = 'readings.raw'`,
  );
  expect(letters).toEqual([
    {
      reason: 'device_out_of_range',
      message: `device is 9223372036854775807, not between 0 and ${2 ** 62}`,
    },
  ]);
  expect(await windrow.auditOf('readings.raw')).toEqual({
    ...{ consumed: 9, accepted: 7, duplicates: 1, deadLettered: 1 },
  });
  const today = new Date().toISOString().slice(0, 10);
  const replayed = await windrow.windrow(
    'replay',
    '--stream',
    'readings',
    '--date',
    today,
    '--yes',
    '--json',
  );
  expect(JSON.parse(replayed)).toMatchObject({ counts: { rows: ids.length, withdrawn: 0, restored: 0 } });
  // Files that a replay has replaced are still there, and only the log says so.
  await expectEverywhere([readWithDeltaRs]);
});

test('a schema whose logical type means something else and a schema in a header become dead letters by these names', {
  timeout: 120_000,
}, async () => {
  await send([{ id: 100n }], {
    at: { type: 'int', logicalType: 'date' },
    value: 19_000n,
  });
  await send([{ id: 101n }], { prefixed: false });
  await windrow.landed();
  const letters = await windrow.lake(
    readWithDeltaRs,
    'rejected/dead_letter',
    `select reason, message from t where topic = 'readings.raw' and stage = 'decode' order by reason`,
  );
  expect(letters).toEqual([
    {
      reason: 'incompatible_schema',
      message: expect.stringMatching(/the field at is written as int date and read as long timestamp-millis/),
    },
    { reason: 'schema_id_in_header', message: expect.stringMatching(/in the header __value_schema_id;/) },
  ]);
  await windrow.auditOf('readings.raw');
});

test('the same event in two partitions is counted by the enricher, and the audit says why it is there twice', {
  timeout: 180_000,
}, async () => {
  const device = 7n;
  const own = partitionOfKey(`${device}`, partitions);
  const other = (own + 1) % partitions;
  await send([
    { id: 200n, device },
    { id: 200n, device, partition: other },
  ]);
  await windrow.landed();
  const { code, stdout } = await windrow.run('audit', '--deep');
  expect(code).toBe(1);
  expect(stdout).toMatch(/1 ids occur more than once: 200; 1 of them are in several partitions/);
  expect(stdout).toMatch(/1 events have the id of another one, and it keeps one row for an id; none is lost/);
  const metrics = await metricsOf('enricher');
  expect(metrics).toMatch(/windrow_misplaced_events_total\{.*stream="readings".*\} 1\n/);
});

async function metricsOf(service: string): Promise<string> {
  const { services } = JSON.parse((await windrow.run('status', '--json')).stdout) as {
    services: { name: string; address: string }[];
  };
  const { address } = must(services.find(({ name }) => name === service));
  return await (await fetch(`${address}/metrics`)).text();
}
