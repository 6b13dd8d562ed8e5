import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readFilesWithDuckDb } from '../readers/readers.ts';
import { copyOfTheClone } from './clone-copy.ts';
import { Installation } from './installation.ts';

const time = { type: 'long', logicalType: 'timestamp-millis' };
const stop = {
  ...{ type: 'record', name: 'Stop' },
  fields: [
    { name: 'place', type: 'string' },
    { name: 'at', type: time },
    { name: 'tags', type: { type: 'map', values: ['null', 'string'] }, default: {} },
  ],
};

/** All that a new stream is. */
const folder = {
  'schema.avsc': JSON.stringify({
    type: 'record',
    name: 'Ride',
    namespace: 'windrow',
    fields: [
      { name: 'ride_id', type: 'string' },
      { name: 'city', type: 'string' },
      { name: 'ended_at', type: time },
      { name: 'distance_m', type: ['null', 'double'], default: null },
      { name: 'stops', type: ['null', { type: 'array', items: stop }], default: null },
    ],
  }),
  'contract.ts': `
    import { defineStream } from '../../src/contract.ts';
    import { between } from '../../src/rules.ts';

    const retained = { cleanup: 'delete', retentionMs: 86_400_000 } as const;
    const column = (name, type) => ({ name, field: name, type });

    export default defineStream({
      name: 'rides',
      description: 'Rides of scooters',
      id: ['ride_id'],
      key: (record) => String(record.ride_id),
      eventTime: 'ended_at',
      topics: { raw: retained, enriched: retained },
      parse: (input) => input,
      rules: [between('distance_m', 0, 1_000_000)],
      dedupe: { horizonMs: 86_400_000 },
      steps: [
        {
          kind: 'asOfJoin',
          table: 'weather',
          series: 'city',
          coordinates: { latitude: 'latitude', longitude: 'longitude' },
          locate: [{ by: 'field', field: 'city' }],
          maxAgeMs: 7_200_000,
          prefix: 'weather',
          fields: ['temperature_c'],
        },
      ],
      lake: { raw: 'raw/rides', curated: 'curated/rides' },
      curated: {
        table: 'curated.ride',
        columns: [
          column('ride_id', 'text'),
          column('ended_at', 'timestamptz'),
          column('distance_m', 'double precision'),
          column('temperature_c', 'double precision'),
          column('stops', 'jsonb'),
        ],
        key: ['ride_id'],
        onConflict: 'ignore',
      },
      http: [{ path: '/v1/rides', body: 'message' }],
    });`,
  'migrations/001_ride.sql': `CREATE TABLE curated.ride (
    ride_id text PRIMARY KEY, ended_at timestamptz NOT NULL, distance_m double precision, temperature_c double precision,
    stops jsonb);`,
};

const rides = [
  'ride_id,city,ended_at,distance_m',
  'r1,EWR,2013-01-01 10:00:00,1200.5',
  'r2,JFK,2013-01-02 10:00:00,',
  'r2,JFK,2013-01-02 10:00:00,',
  'r3,JFK,2013-01-02 10:00:00,-5',
  'r4,JFK,never,3',
];

let copy: string;
let windrow: Installation;

beforeAll(async () => {
  copy = copyOfTheClone();
  for (const [name, text] of Object.entries(folder)) {
    const file = join(copy, 'packages/contracts/streams/rides', name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  writeFileSync(join(copy, 'rides.csv'), `${rides.join('\n')}\n`);
  windrow = await Installation.start(copy);
});
afterAll(async () => {
  await windrow?.stop();
  rmSync(copy, { recursive: true, force: true });
});

test('a folder is all that a new stream needs: it is loaded, posted, checked, joined and landed like the others', {
  timeout: 240_000,
}, async () => {
  await windrow.windrow('load', '--stream', 'weather', 'examples/flights-2013-01/weather.jsonl.gz');
  await windrow.windrow('load', '--stream', 'rides', 'rides.csv', '--max-rejects', '40%');
  const posted = await fetch(`${windrow.endpoints.PRODUCER_URL}/v1/rides`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      ...{ ride_id: 'posted', city: 'EWR', ended_at: '2013-01-01T10:00:00Z', distance_m: 1 },
      stops: [
        { place: 'A', at: '2013-01-01T09:00:00Z', tags: { b: null, a: 'x' } },
        { place: 'B', at: '2013-01-01T09:30:00Z' },
      ],
    }),
  });
  expect(posted.status).toBe(200);
  await windrow.landed();

  const expected = [
    { ride_id: 'posted', distance_m: 1, temperature_c: 3.9 },
    { ride_id: 'r1', distance_m: 1200.5, temperature_c: 3.9 },
    { ride_id: 'r2', distance_m: null, temperature_c: -5 },
  ];
  const columns = 'ride_id, distance_m, temperature_c';
  expect(await windrow.sql(`select ${columns} from curated.ride order by 1`)).toEqual(expected);
  const question = `select ${columns} from t order by 1`;
  expect(await windrow.lake(readFilesWithDuckDb, 'curated/rides', question)).toEqual(expected);
  const inLake =
    'len(stops) as stops, stops[1].place as place, stops[1]."at" as since, stops[2].place as last';
  expect(
    await windrow.lake(
      readFilesWithDuckDb,
      'curated/rides',
      `select ${inLake} from t where stops is not null`,
    ),
  ).toEqual([{ stops: 2, place: 'A', since: '2013-01-01T09:00:00.000Z', last: 'B' }]);
  const inPostgres =
    "jsonb_array_length(stops) as stops, stops->0->>'place' as place, stops->0->'at' as since, stops->0->'tags' as tags";
  expect(await windrow.sql(`select ${inPostgres} from curated.ride where stops is not null`)).toEqual([
    { stops: 2, place: 'A', since: Date.UTC(2013, 0, 1, 9), tags: { a: 'x', b: null } },
  ]);
  const letters = await windrow.lake(
    readFilesWithDuckDb,
    'rejected/dead_letter',
    `select reason from t where stream = 'rides' order by 1`,
  );
  expect(letters).toEqual([{ reason: 'distance_m_out_of_range' }, { reason: 'ended_at_invalid' }]);
  const audit = await windrow.run('audit', '--deep');
  expect(audit.stdout).toContain('rides.raw');
  expect(audit.code).toBe(0);
});
