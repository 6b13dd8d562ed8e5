import { expect, test } from 'vitest';
import type { AsOfJoin } from './as-of-join.ts';
import type { CuratedMapping, StreamContract } from './contract.ts';
import { contractFaults } from './contract-faults.ts';
import { nearestName } from './nearest-name.ts';
import { required } from './rules.ts';
import { columnWords } from './sql-words.ts';
import { defineStep, ok, type Step } from './step.ts';
import { loadStreams, streamNamed } from './streams.ts';

const all = await loadStreams();
const track = streamNamed(all, 'track');
const faultsOf = (change: Partial<StreamContract>) => contractFaults({ ...track, ...change }, all);

function joinWith(change: Partial<AsOfJoin>): Pick<StreamContract, 'steps'> {
  return {
    steps: (track.steps ?? []).map(
      (step): Step => (step.kind === 'asOfJoin' ? { ...step, ...change } : step),
    ),
  };
}

function curatedWith(change: Partial<CuratedMapping>): Pick<StreamContract, 'curated'> {
  if (!track.curated) throw new Error('track has no curated table');
  return { curated: { ...track.curated, ...change } };
}

test('the contracts of this repository have no faults', () => {
  for (const contract of all) expect(contractFaults(contract, all)).toEqual([]);
});

test.each<[string, Partial<StreamContract>, string]>([
  ['id', { id: ['event_idd'] }, 'id[0]: its schema has no field event_idd; did you mean event_id?'],
  [
    'eventTime',
    { eventTime: 'ocurred_at' },
    'eventTime: its schema has no field ocurred_at; did you mean occurred_at?',
  ],
  [
    'aliases',
    joinWith({ aliases: { Munich: ['München'], Muenchen: ['MÜNCHEN'] } }),
    'steps[0].aliases: MÜNCHEN is a name of Munich and of Muenchen',
  ],
  ['clock', { sentTime: undefined }, 'clock: it needs sentTime'],
  [
    'times',
    { times: { ocurred_at: {} } },
    'times: its schema has no field ocurred_at; did you mean occurred_at?',
  ],
  [
    'times of a text',
    { times: { city: { unit: 'seconds' } } },
    'times.city: the field has the type string; expected a timestamp',
  ],
  [
    'times.timezone',
    { times: { occurred_at: { timezone: 'Europe/Zuerich' } } },
    'times.occurred_at.timezone: there is no time zone Europe/Zuerich',
  ],
  [
    'times.formats without a year',
    { times: { occurred_at: { formats: ['dd.MM.yyyy', 'dd.MM. HH:mm'] } } },
    'times.occurred_at.formats[1]: dd.MM. HH:mm: it must have year, month and day',
  ],
  [
    'times.formats that nothing can read',
    { times: { occurred_at: { formats: ['%d/%m/%Y'] } } },
    'times.occurred_at.formats[0]: %d/%m/%Y: it must have year, month and day',
  ],
  [
    'receivedTime',
    { receivedTime: 'recieved_at' },
    'receivedTime: its schema has no field recieved_at; did you mean received_at?',
  ],
  ['sentTime', { sentTime: 'send_at' }, 'sentTime: its schema has no field send_at; did you mean sent_at?'],
  ['jsonFields', { jsonFields: ['xyz'] }, 'jsonFields[0]: its schema has no field xyz'],
  [
    'a rule',
    { rules: [required('event_name', { field: 'typ', is: 'track' })] },
    'rules[0] (event_name_missing): its schema has no field typ; did you mean type?',
  ],
  [
    'the table of a join',
    joinWith({ table: 'wether' }),
    'steps[0].table: there is no stream wether; did you mean weather?',
  ],
  [
    'the series of a join',
    joinWith({ series: 'ctiy' }),
    'steps[0].series: the schema of weather has no field ctiy; did you mean city?',
  ],
  [
    'the coordinates of a join',
    joinWith({ coordinates: { latitude: 'latitude', longitude: 'longtitude' } }),
    'steps[0].coordinates.longitude: the schema of weather has no field longtitude; did you mean longitude?',
  ],
  [
    'the fields of a join',
    joinWith({ fields: ['temprature_c'] }),
    'steps[0].fields[0]: the schema of weather has no field temprature_c; did you mean temperature_c?',
  ],
  [
    'a column of the curated table',
    curatedWith({
      columns: [...(track.curated?.columns ?? []), { name: 'x', field: 'weathr_city', type: 'text' }],
    }),
    'curated.columns (x): the event has no field weathr_city; did you mean weather_city?',
  ],
  [
    'a locator by a field',
    joinWith({ locate: [{ by: 'field', field: 'citty' }] }),
    'steps[0].locate[0]: neither its schema nor an earlier step has a field citty; did you mean city?',
  ],
  [
    'a locator by coordinates',
    joinWith({
      locate: [
        { by: 'field', field: 'city' },
        { by: 'coordinates', latitude: 'lattitude', longitude: 'longitude', withinKm: 5 },
      ],
    }),
    'steps[0].locate[1]: neither its schema nor an earlier step has a field lattitude; did you mean latitude?',
  ],
  [
    'a locator by time zone',
    joinWith({ locate: [{ by: 'timezone', field: 'time_zone' }] }),
    'steps[0].locate[0]: neither its schema nor an earlier step has a field time_zone; did you mean timezone?',
  ],
  [
    'the key of the curated table',
    curatedWith({ key: ['event_id', 'occured_at'] }),
    'curated.key[1]: curated.columns has no column occured_at; did you mean occurred_at?',
  ],
  [
    'partitionByDay',
    curatedWith({ partitionByDay: 'occurredat' }),
    'curated.partitionByDay: curated.columns has no column occurredat; did you mean occurred_at?',
  ],
  [
    'the type of partitionByDay',
    curatedWith({ partitionByDay: 'city' }),
    'curated.partitionByDay: city has the type text; expected timestamptz',
  ],
  [
    'an aggregate',
    curatedWith({
      aggregates: [
        {
          table: 'curated.a',
          groupBy: { city: "coalesce(weather_ctiy, city, 'weather_ctiy')" },
          sums: { n: 'count(*)' },
        },
      ],
    }),
    'curated.aggregates[0].groupBy.city: curated.columns has no column weather_ctiy; did you mean weather_city?',
  ],
])('a wrong name in %s is reported with its place and the nearest right name', (_, change, fault) => {
  expect(faultsOf(change)).toEqual([`track: ${fault}`]);
});

test('a step reads fields of the event and of earlier steps, and adds fields that are new', () => {
  const step = (name: string, reads: string[], ...adds: string[]) =>
    defineStep({ name, reads, adds: adds.map((field) => ({ name: field, type: 'string' })), run: () => ok });
  const steps = (...own: Step[]) => faultsOf({ steps: [...(track.steps ?? []), ...own] });
  expect(
    steps(step('country', ['weather_city', 'city'], 'country'), step('zone', ['country'], 'zone')),
  ).toEqual([]);
  expect(steps(step('zone', ['country'], 'zone'), step('country', ['city'], 'country'))).toEqual([
    'track: steps[1].reads[0]: neither its schema nor an earlier step has a field country',
  ]);
  expect(steps(step('country', ['city'], 'city'), step('country', [], '_raw_offset'))).toEqual([
    'track: steps[1]: country adds the field city, which the event has already',
    'track: steps[2]: an earlier step has the name country too',
    'track: steps[2]: country adds the field _raw_offset, which the event has already',
  ]);
});

test.each([
  ['lattitude', ['longitude', 'latitude'], 'latitude'],
  ['ab', ['ba', 'xy'], 'ba'],
  ['x', ['y'], undefined],
  ['colour', ['city', 'type'], undefined],
])('the name nearest to %s among %s is %s', (name, candidates, nearest) => {
  expect(nearestName(name, candidates)).toBe(nearest);
});

test('only words that can be columns are looked at in SQL', () => {
  const expression =
    "date_bin('10 minutes', occurred_at, timestamptz '1970-01-01 00:00:00+00') + count(*) filter (where city is not null and t.x = 1e5)";
  expect(columnWords(expression)).toEqual(['occurred_at', 'city']);
});
