import {
  AvroRegistry,
  defineStep,
  drop,
  dropsOf,
  loadStreams,
  ok,
  reject,
  type Step,
  type StreamContract,
  streamNamed,
  topicsOf,
} from '@windrow/contracts';
import { Dedupe, runSteps } from '@windrow/enrichment';
import { type Outcome, partitionOfKey } from '@windrow/pipeline';
import { expect, test } from 'vitest';
import { enrichRange } from './enrich-range.ts';
import { outputEncoders, type StreamSteps, stepsOf } from './stream-steps.ts';

const contracts = await loadStreams();
// Encoding asks the registry nothing.
const registry = new AvroRegistry('http://127.0.0.1:1');
const options = {
  contracts,
  registry,
  schemaIds: new Map(topicsOf(contracts).map(({ topic }, index) => [topic.name, index])),
};
const encoders = outputEncoders({ deadLetters: 'dead-letter', accounts: 'accounts' }, options);
const range = { topic: 'track.raw', partition: 3, firstOffset: 10, nextOffset: 20 };
const partitions = 4;
const origin = { service: 'enricher', version: '1' };

function outcome(contract: StreamContract, offset: number, values: Record<string, unknown>): Outcome {
  const nulls = Object.fromEntries(contract.schema.fields.map(({ name }) => [name, null]));
  const input = { offset, timestampMs: 0, key: null, value: Buffer.alloc(9), headers: {} };
  return { kind: 'ok', input, record: { ...nulls, ...values } };
}

function stepsWith(...steps: Step[]): StreamSteps {
  const contract = { ...streamNamed(contracts, 'track'), steps };
  return stepsOf(contract, enrichmentOf(contract), { ...options, contracts: [contract] });
}

/** Steps without tables. */
const enrichmentOf = (contract: StreamContract): StreamSteps['enrichment'] => ({
  run: runSteps(contract, new Map()),
  current: () => Promise.resolve(),
});

const region = defineStep({
  name: 'region',
  reads: ['event_name'],
  adds: [{ name: 'region', type: 'string' }],
  run(record) {
    if (record.event_name === 'bad') throw new Error('no such place');
    if (record.event_name === 'abroad') return drop('outside_europe');
    if (record.event_name === 'nowhere') return reject('region_unknown', 'nowhere has no region');
    record.region = 'Europe';
    return ok;
  },
});

test('a step drops, rejects or fails at an event: it is counted by its reason, not remembered, and the others continue', () => {
  const steps = stepsWith(region);
  const event = (offset: number, event_id: string, event_name: unknown) =>
    outcome(steps.contract, offset, { event_id, type: 'track', event_name, occurred_at: 5, received_at: 5 });
  const dedupe = new Dedupe({ horizonMs: 1000, maxIds: 1000 });
  const { outputs, account, newestEventMs } = enrichRange(
    steps,
    encoders,
    {
      range,
      partitions,
      dedupe,
      outcomes: [
        event(10, 'a', 'good'),
        event(11, 'b', 'bad'),
        event(12, 'b', 'good'),
        event(13, 'c', 17),
        event(14, 'd', 'abroad'),
        event(15, 'd', 'abroad'),
        event(16, 'e', 'nowhere'),
        event(17, 'b', 'good'),
      ],
    },
    origin,
  );
  expect(account).toMatchObject({
    ...{ stream: 'track', topic: 'track.raw', partition: 3, first_offset: 10, next_offset: 20 },
    ...{ consumed: 8, accepted: 2, duplicates: 1, deletions: 0, dropped: { outside_europe: 2 } },
    rejected: { 'step/region_failed': 1, 'step/region_unknown': 1, 'encode/encode_failed': 1 },
  });
  expect([...dropsOf(account)]).toEqual([
    ['duplicate', 1],
    ['outside_europe', 2],
  ]);
  expect(outputs.map(({ topic, records }) => [topic, records.length])).toEqual([
    ['track.enriched', 2],
    ['dead-letter', 3],
    ['accounts', 1],
  ]);
  expect(['a', 'b', 'c', 'd', 'e'].map((id) => dedupe.has(id, 1))).toEqual([true, true, false, false, false]);
  expect(newestEventMs).toBe(5);
});

test('events that are not in the partition of their key are counted', () => {
  const steps = stepsWith();
  const event = (offset: number, user_id: string) =>
    outcome(steps.contract, offset, {
      ...{ event_id: `${offset}`, type: 'track', event_name: 'e', occurred_at: 5, received_at: 5, user_id },
    });
  const users = Array.from({ length: 40 }, (_, index) => `rider-${index}`);
  const here = users.filter((user) => partitionOfKey(user, partitions) === range.partition);
  expect(here.length).toBeGreaterThan(0);
  const misplacedOf = (of: string[]) =>
    enrichRange(
      steps,
      encoders,
      { range, partitions, outcomes: of.map((user, index) => event(10 + index, user)), dedupe: null },
      origin,
    ).misplaced;
  expect(misplacedOf(here)).toEqual({ count: 0, firstOffset: null });
  const elsewhere = users.filter((user) => !here.includes(user));
  expect(misplacedOf([...here, ...elsewhere])).toEqual({
    count: elsewhere.length,
    firstOffset: 10 + here.length,
  });
});

test('a time beyond 2^53 costs no other event', () => {
  const steps = stepsWith();
  const far = { event_id: 'far', type: 'track', event_name: 'e', occurred_at: 2n ** 60n, received_at: 5 };
  const { account, newestEventMs } = enrichRange(
    steps,
    encoders,
    { range, partitions, outcomes: [outcome(steps.contract, 10, far)], dedupe: null },
    origin,
  );
  expect(account.accepted).toBe(1);
  expect(newestEventMs).toBe(2 ** 60);
});

test('a stream that is only checked gives its account and its dead letters, and nothing else', () => {
  const weather = streamNamed(contracts, 'weather');
  const steps = stepsOf(weather, enrichmentOf(weather), options);
  const outcomes: Outcome[] = [
    outcome(weather, 10, { city: 'Zurich', observed_at: 7, temperature_c: 1 }),
    {
      ...{ kind: 'deadLetter', stage: 'rules', reason: 'city_missing', message: 'no', schemaId: 1 },
      input: outcome(weather, 11, {}).input,
    },
  ];
  const result = enrichRange(steps, encoders, { range, partitions, outcomes, dedupe: null }, origin);
  expect(result.outputs.map(({ topic, records }) => [topic, records.length])).toEqual([
    ['dead-letter', 1],
    ['accounts', 1],
  ]);
  expect(result.account).toMatchObject({ accepted: 1, rejected: { 'rules/city_missing': 1 } });
  const empty = enrichRange(steps, encoders, { range, partitions, outcomes: [], dedupe: null }, origin);
  expect(empty.account).toMatchObject({ first_offset: 10, next_offset: 20, consumed: 0, accepted: 0 });
});
