import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Action, type Add, DeltaLog, systemHost } from '@windrow/lake';
import {
  applyInstallation,
  collectFacts,
  type Installation,
  judge,
  loadInto,
  openInstallation,
  waitForLanding,
} from '@windrow/operations';
import { Teardown } from '@windrow/runtime';
import { defaultStateDir, startServices, startStack } from '@windrow/stack';
import { afterAll, beforeAll, expect, test } from 'vitest';

// The whole pipeline, with the export that has faults in it: what the audit says of real tables, before and after somebody
// has laid hands on them. Each test puts back what it has changed.

const clone = fileURLToPath(new URL('../../../../', import.meta.url));
const exported = path.join(clone, 'examples/flattened-export');
const teardown = new Teardown();
let env: NodeJS.ProcessEnv;
let installation: Installation;

beforeAll(async () => {
  const runs = path.join(defaultStateDir, 'test');
  mkdirSync(runs, { recursive: true });
  const stateDir = mkdtempSync(path.join(runs, 'audit-'));
  teardown.add('state', () => rmSync(stateDir, { recursive: true, force: true }));
  const stack = await startStack({ stateDir, parts: ['kafka', 'registry', 's3', 'postgres'] });
  teardown.add('stack', () => stack.stop());
  env = {
    ...process.env,
    ...stack.endpoints,
    KAFKA_PARTITIONS: '2',
    LAKE_MAX_AGE_SECONDS: '1',
    POSTGRES_MAX_AGE_SECONDS: '1',
  };
  await applyInstallation(env);
  const services = await startServices({ stateDir, env });
  teardown.add('services', () => services.stop());
  installation = await openInstallation(env);
  teardown.add('installation', () => installation.close());
  const load = (stream: string, file: string) =>
    loadInto(env, {
      ...{ stream, sources: [path.join(exported, file)], signal: new AbortController().signal },
      note: () => undefined,
      onProgress: () => undefined,
    });
  await load('weather', 'weather.json');
  await load('track', 'track_events.json');
  await waitForLanding(installation, { timeoutMs: 90_000 });
}, 180_000);
afterAll(() => teardown.run(), 120_000);

async function findings(deep: boolean): Promise<string[]> {
  const { findings } = judge(await collectFacts(installation, { deep }));
  return findings.map(({ verdict, line, check, message }) => `${verdict}: ${line}, ${check}: ${message}`);
}

/** One Delta commit of another hand. */
async function commit(table: string, actions: Action[]): Promise<void> {
  const log = await DeltaLog.open(installation.lake, table, systemHost);
  await log?.append(() => ({ step: 'commit', operation: 'TEST', actions }));
}

async function someFile(table: string): Promise<Add> {
  const log = await DeltaLog.open(installation.lake, table, systemHost);
  const [add] = (await log?.files())?.adds.values() ?? [];
  if (!add) throw new Error(`${table} has no files`);
  return add;
}

const removal = ({ path, partitionValues, size }: Add): Action => ({
  remove: {
    path,
    partitionValues,
    size,
    deletionTimestamp: Date.now(),
    dataChange: true,
    extendedFileMetadata: true,
  },
});

test('what was really loaded adds up, and the faults of the export are accounted for', async () => {
  const audit = judge(await collectFacts(installation, { deep: true }));
  expect(audit.findings).toEqual([]);
  const total = (column: 'consumed' | 'accepted' | 'duplicates' | 'deadLettered', stream: string) =>
    audit.partitions.filter((line) => line.stream === stream).reduce((sum, line) => sum + line[column], 0);
  // 62 lines can be typed; one is there twice, one is of the year 1519 and is rejected by load.
  expect(total('consumed', 'track')).toBe(61);
  expect(total('accepted', 'track')).toBe(60);
  expect(total('duplicates', 'track')).toBe(1);
  expect(total('deadLettered', 'track')).toBe(0);
  // One of them has no temperature.
  expect(total('accepted', 'weather')).toBe(21);
  expect(audit.tables.find(({ table }) => table === 'lake rejected/dead_letter')?.rows).toBe(4);
});

test('a row deleted from Postgres is found by the deep audit, by its id', async () => {
  const where = 'WHERE event_id = (SELECT min(event_id) FROM curated.track_event)';
  await installation.postgres.query(`CREATE TABLE kept AS SELECT * FROM curated.track_event ${where}`);
  try {
    const [gone] = await installation.postgres.query<{ event_id: string }>('SELECT event_id FROM kept');
    await installation.postgres.query(
      'DELETE FROM curated.track_event WHERE event_id IN (SELECT event_id FROM kept)',
    );
    expect(await findings(false)).toEqual([]);
    expect(await findings(true)).toEqual([
      'wrong: postgres curated.track_event, rows: it has 59 rows, its ledger counts 60: 1 lost',
      `wrong: postgres curated.track_event, ids: 1 ids of curated/track are not in it: ${gone?.event_id}`,
    ]);
    await installation.postgres.query('INSERT INTO curated.track_event SELECT * FROM kept');
  } finally {
    await installation.postgres.query('DROP TABLE kept');
  }
  expect(await findings(true)).toEqual([]);
});

test('a row swapped for another one is found although the counts are right', async () => {
  const [row] = await installation.postgres.query<{ event_id: string }>(
    'SELECT max(event_id) AS event_id FROM curated.track_event',
  );
  const rename = (from: string | undefined, to: string | undefined) =>
    installation.postgres.query('UPDATE curated.track_event SET event_id = $2 WHERE event_id = $1', [
      from,
      to,
    ]);
  await rename(row?.event_id, 'another');
  expect(await findings(true)).toEqual([
    `wrong: postgres curated.track_event, ids: 1 ids of curated/track are not in it: ${row?.event_id}`,
    'wrong: lake curated/track, ids: 1 ids of curated.track_event are not in it: another',
  ]);
  await rename('another', row?.event_id);
});

/** A change of one value by hand, in Postgres. */
test.each([
  ['a text', 'event_name', `'elsewhere'`, /^event_name is .* in the lake, "elsewhere" in Postgres$/],
  ['a null', 'weather_city', 'NULL', /^weather_city is ".*" in the lake, null in Postgres$/],
  [
    'the last bit of a double',
    'temperature_c',
    'temperature_c * (1 + 3e-16::float8)',
    /^temperature_c is "[-\d.]+" in the lake, "[-\d.]+" in Postgres$/,
  ],
  [
    'a microsecond',
    'received_at',
    `received_at + interval '1 microsecond'`,
    /^received_at is "(.*)Z" in the lake, "\1(?:001)Z" in Postgres$/,
  ],
  [
    'a digit within JSON',
    'event_id',
    `event_id, properties = coalesce(properties, '{}') || '{"n": 12345678901234567891.10}'`,
    /^properties is .* in the lake, .* in Postgres$/,
  ],
])('%s that was changed is found, with both values', async (_, column, change, told) => {
  const where = `WHERE event_id = (SELECT min(event_id) FROM curated.track_event WHERE ${column} IS NOT NULL)`;
  await installation.postgres.query(`CREATE TABLE kept AS SELECT * FROM curated.track_event ${where}`);
  try {
    const [row] = await installation.postgres.query<{ event_id: string }>(
      `UPDATE curated.track_event SET ${column} = ${change} ${where} RETURNING event_id`,
    );
    const [found, ...more] = await findings(true);
    expect(more).toEqual([]);
    const start = `wrong: postgres curated.track_event, values: 1 rows differ from curated/track: ${row?.event_id}: `;
    expect(found?.slice(0, start.length)).toBe(start);
    expect(found?.slice(start.length)).toMatch(told);
  } finally {
    await installation.postgres.query(
      'DELETE FROM curated.track_event WHERE event_id IN (SELECT event_id FROM kept)',
    );
    await installation.postgres.query('INSERT INTO curated.track_event SELECT * FROM kept');
    await installation.postgres.query('DROP TABLE kept');
  }
  expect(await findings(true)).toEqual([]);
});

test('a value that was changed in a table without enriched events is found, too', async () => {
  const negate = () =>
    installation.postgres.query(`UPDATE curated.weather_observation SET temperature_c = -temperature_c
      WHERE city = (SELECT min(city) FROM curated.weather_observation)`);
  await negate();
  expect((await findings(true)).join()).toMatch(
    /^wrong: postgres curated\.weather_observation, values: \d+ rows differ from raw\/weather: .*temperature_c is /,
  );
  await negate();
  expect(await findings(true)).toEqual([]);
});

test('a time that no program can show does not stop the audit', async () => {
  await installation.postgres.query(
    `INSERT INTO curated.weather_observation (city, observed_at, temperature_c) VALUES ('Far', '287168-01-01Z', 1), ('Farther', 'infinity', 1)`,
  );
  try {
    expect((await findings(true)).join()).toContain(
      '2 ids of curated.weather_observation are not in it: Far',
    );
  } finally {
    await installation.postgres.query(`DELETE FROM curated.weather_observation WHERE city LIKE 'Far%'`);
  }
});

test('a count changed in the ledger of Postgres is found on the line of its partition', async () => {
  const change = (by: number) =>
    installation.postgres.query(
      `UPDATE windrow.sink_offset SET rows = rows + $1 WHERE topic = 'track.enriched' AND partition = 1`,
      [by],
    );
  await change(1);
  expect((await findings(false))[0]).toMatch(
    /^wrong: track\.raw\/1, postgres curated\.track_event: .*: 1 too many$/,
  );
  await change(-1);
});

test("a count changed in the lake's ledger is found on the line of its partition", async () => {
  const appId = 'lake:track.enriched:0#rows';
  const log = await DeltaLog.open(installation.lake, 'curated/track', systemHost);
  const rows = log?.txns.get(appId) ?? 0;
  await commit('curated/track', [{ txn: { appId, version: rows - 1 } }]);
  const found = await findings(false);
  expect(found[0]).toMatch(/^wrong: track\.raw\/0, lake curated\/track: .*: 1 lost$/);
  await commit('curated/track', [{ txn: { appId, version: rows } }]);
  expect(await findings(false)).toEqual([]);
});

test('a file added a second time is found by its rows, and by the deep audit by its ids', async () => {
  const add = await someFile('curated/track');
  const { numRecords } = JSON.parse(add.stats ?? '{}') as { numRecords: number };
  const copy = { ...add, path: add.path.replace('.parquet', '-again.parquet') };
  const bytes = await installation.lake.get(`curated/track/${decodeURIComponent(add.path)}`);
  await installation.lake.put(`curated/track/${decodeURIComponent(copy.path)}`, bytes ?? new Uint8Array());
  await commit('curated/track', [{ add: copy }]);
  try {
    expect(await findings(false)).toEqual([
      `wrong: lake curated/track, log: its log has files with ${60 + numRecords} rows, its ledger counts 60: ${numRecords} too many`,
    ]);
    const deep = (await findings(true)).join('\n');
    expect(deep).toContain(`lake curated/track, ids: ${numRecords} ids occur more than once: `);
    expect(deep).toContain(`lake curated/track, offsets: ${numRecords} offsets occur more than once: `);

    const { code, stdout } = await windrow('audit', '--json');
    expect(code).toBe(1);
    const { addsUp, findings: told } = JSON.parse(stdout) as {
      addsUp: boolean;
      findings: { line: string }[];
    };
    expect(addsUp).toBe(false);
    expect(told.map(({ line }) => line)).toEqual(['lake curated/track']);
  } finally {
    await commit('curated/track', [removal(copy)]);
  }
  expect(await findings(true)).toEqual([]);
});

test('a file taken out of the raw table is found, though its Parquet file still lies there', async () => {
  const add = await someFile('raw/track');
  const { numRecords } = JSON.parse(add.stats ?? '{}') as { numRecords: number };
  await commit('raw/track', [removal(add)]);
  expect(await findings(false)).toEqual([
    `wrong: lake raw/track, log: its log has files with ${61 - numRecords} rows, its ledger counts 61: ${numRecords} lost`,
  ]);
  await commit('raw/track', [{ add }]);
  expect(await findings(true)).toEqual([]);
});

test('a file that no commit names is found by the deep audit, and one that a commit has removed is not', async () => {
  const add = await someFile('curated/track');
  const bytes = await installation.lake.get(`curated/track/${decodeURIComponent(add.path)}`);
  const orphan = `curated/track/${decodeURIComponent(add.path).replace('.parquet', '-orphan.parquet')}`;
  await installation.lake.put(orphan, bytes ?? new Uint8Array());
  try {
    expect(await findings(false)).toEqual([]);
    expect(await findings(true)).toEqual([
      `wrong: lake curated/track, orphans: 1 files that no commit names, which readers without the log would read: ${orphan}`,
    ]);
  } finally {
    await installation.lake.delete(orphan);
  }
  expect(await findings(true)).toEqual([]);
});

test('windrow wait has nothing to wait for, and audit says so in words', async () => {
  expect(await windrow('wait', '--timeout', '20')).toMatchObject({ code: 0 });
  const { code, stdout } = await windrow('audit', '--deep');
  expect(code).toBe(0);
  expect(stdout).toMatch(/it adds up: 82 events in 4 partitions/);
});

function windrow(...args: string[]): Promise<{ code: number | null; stdout: string }> {
  const launcher = path.join(clone, 'packages/cli/bin/windrow.mjs');
  const child = spawn(process.execPath, [launcher, ...args], { env, stdio: ['ignore', 'pipe', 'ignore'] });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, stdout })));
}
