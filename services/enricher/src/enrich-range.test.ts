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
import type { Outcome } from '@windrow/pipeline';
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
  const result = enrichRange(steps, encoders, { range, outcomes, dedupe: null }, origin);
  expect(result.outputs.map(({ topic, records }) => [topic, records.length])).toEqual([
    ['dead-letter', 1],
    ['accounts', 1],
  ]);
  expect(result.account).toMatchObject({ accepted: 1, rejected: { 'rules/city_missing': 1 } });
  const empty = enrichRange(steps, encoders, { range, outcomes: [], dedupe: null }, origin);
  expect(empty.account).toMatchObject({ first_offset: 10, next_offset: 20, consumed: 0, accepted: 0 });
});
