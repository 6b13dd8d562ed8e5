import { defineStep, drop, loadStreams, ok, reject, type Step, streamNamed } from '@windrow/contracts';
import { expect, test } from 'vitest';
import { runSteps } from './run-steps.ts';

const track = streamNamed(await loadStreams(), 'track');
const running = (...steps: Step[]) => runSteps({ ...track, steps }, new Map());
const step = (
  name: string,
  run: (record: Record<string, unknown>) => ReturnType<Parameters<typeof defineStep>[0]['run']>,
) => defineStep({ name, reads: [], adds: [{ name, type: 'string' }], run });

const country = step('country', (record) => {
  record.country = record.city === 'Zurich' ? 'CH' : null;
  return record.city === 'Atlantis' ? drop('sunk') : ok;
});
const currency = step('currency', (record) => {
  if (record.country === null) return reject('country_unknown', `no country for ${record.city}`);
  if (record.city === undefined) throw new Error('no city');
  record.currency = record.country === 'CH' ? 'CHF' : null;
  return ok;
});

test('steps run in their order, each sees what the earlier ones added, and the raw offset comes last', () => {
  const record: Record<string, unknown> = { city: 'Zurich' };
  expect(running(country, currency)(record, 17)).toBe(ok);
  expect(Object.entries(record)).toEqual([
    ['city', 'Zurich'],
    ['country', 'CH'],
    ['currency', 'CHF'],
    ['_raw_offset', 17],
  ]);
});

test('the first step that does not pass an event decides', () => {
  const run = running(country, currency);
  const record: Record<string, unknown> = { city: 'Atlantis' };
  expect(run(record, 1)).toEqual({ kind: 'drop', reason: 'sunk' });
  expect(record).not.toHaveProperty('currency');
  expect(run({ city: 'Basel' }, 2)).toEqual({
    ...{ kind: 'deadLetter', stage: 'step', reason: 'country_unknown', message: 'no country for Basel' },
  });
});

test('an exception rejects the event in the name of its step', () => {
  expect(running(currency)({}, 3)).toEqual({
    ...{ kind: 'deadLetter', stage: 'step', reason: 'currency_failed', message: 'no city' },
  });
});

test('a join without its table is an error of the caller', () => {
  expect(() => runSteps(track, new Map())).toThrow(
    'track: the table weather of the join weather is not open',
  );
});
