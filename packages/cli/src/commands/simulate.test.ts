import { expect, test } from 'vitest';
import { exitCodeOf } from '../failure.ts';
import { createProgram } from '../program.ts';
import { describeSimulation } from './simulate.ts';

async function failureOf(...args: string[]): Promise<{ noted: string; exitCode: number; error: unknown }> {
  const noted: string[] = [];
  const program = createProgram({
    ...{ env: {}, stateDir: '/nowhere', signal: new AbortController().signal, interactive: false },
    print: () => undefined,
    note: (line) => noted.push(line),
  });
  try {
    await program.parseAsync(['simulate', ...args], { from: 'user' });
  } catch (error) {
    return { noted: noted.join('\n'), exitCode: exitCodeOf(error), error };
  }
  throw new Error('it did not fail');
}

test.each([
  [['--rate', '0'], 'It must be a number from 0.01 to 1,000,000.'],
  [['--rate', 'fast'], 'It must be a number from 0.01 to 1,000,000.'],
  [['--users', '1.5'], 'It must be an integer from 1 to 10,000,000.'],
  [['--cities', '1000'], 'It must be an integer from 1 to 62.'],
  [['--faults', '1.1'], 'It must be a number from 0 to 1.'],
  [['--start', 'yesterday'], 'It must be a time such as 2026-06-01T12:00:00Z.'],
  [['--to', 'rabbitmq'], 'It must be kafka or http.'],
])('%j is used wrongly, and the answer says what would be right', async (args, wayOut) => {
  const { noted, exitCode } = await failureOf(...args);
  expect(noted).toContain(wayOut);
  expect(exitCode).toBe(2);
});

test('without a producer or an installation it says how to name one', async () => {
  const http = await failureOf('--to', 'http');
  expect(http.error).toMatchObject({
    code: 'USAGE',
    message: expect.stringContaining('set PRODUCER_URL or --url'),
  });
  const kafka = await failureOf('--to', 'kafka');
  expect(kafka.error).toMatchObject({ code: 'USAGE', message: expect.stringContaining('KAFKA_BROKERS') });
});

test('the summary counts events by kind, faults, and what was rejected', () => {
  const result = {
    ...{ messages: 1_250, events: 1_200, totalEvents: 1_200, observations: 10, duplicates: 40 },
    ...{ late: 38, broken: 42, sessions: 80, riders: 75, seconds: 6, interrupted: false },
    kinds: { 'App Opened': 80, 'Ride Progressed': 430, 'Map (screen)': 90 },
    rejected: { type_unknown: 20, user_id_or_anonymous_id_missing: 22 },
  };
  expect(describeSimulation(result, Date.parse('2026-03-01T08:00:00Z'))).toEqual([
    '1,250 messages sent in 6.0 s (208 a second), from 2026-03-01T08:00:00.000Z on',
    'track: 1,200 of 1,200 events, 75 riders, 80 sessions',
    '  Ride Progressed: 430',
    '  Map (screen): 90',
    '  App Opened: 80',
    'faults: 38 late, 40 sent twice, 42 broken',
    'weather: 10 observations',
    'rejected: type_unknown 20, user_id_or_anonymous_id_missing 22',
  ]);
});
