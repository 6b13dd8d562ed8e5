import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HttpRoute, StreamContract } from './contract.ts';
import { messagesOf } from './http-body.ts';
import { parseInput } from './input.ts';
import { bodySchema } from './message-schema.ts';
import { ruleCheck } from './rule-check.ts';
import { loadStreams, streamNamed } from './streams.ts';
import { refusedTimes, timeForms } from './time/fixtures/time-forms.ts';

const receivedAtMs = Date.parse('2024-05-01T12:00:00Z');
/** Without short paths: they are made like the others. */
const routes = (await loadStreams()).flatMap((contract) =>
  (contract.http ?? [])
    .filter(({ path }) => path.length > 5)
    .map((route) => ({ path: route.path, contract, route })),
);

/** What no schema can say: it depends on the clock. */
const ofTheClock = /_(too_old|in_future)$/;

/** Why a body is refused. */
function refusal(contract: StreamContract, route: HttpRoute, body: unknown): string | undefined {
  const taken = messagesOf(route, body);
  if (!taken.ok) return taken.message;
  for (const message of taken.messages) {
    const parsed = parseInput(contract, message, { kind: 'http', receivedAtMs });
    if (!parsed.ok) return parsed.message;
    const broken = ruleCheck(contract)(parsed.record, parsed.notes);
    if (broken?.ok === false && !ofTheClock.test(broken.reason)) return broken.message;
  }
  return undefined;
}

/** Sound values and others, for any place of a message; times are near `receivedAtMs`, and texts of numbers small. */
const anyValue = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('track', 'identify', 'rain', 'Zurich', 'x') },
  { weight: 3, arbitrary: fc.constantFrom('2024-05-01T11:59:59.000Z', '2024-05-01 11:00', receivedAtMs - 1) },
  { weight: 3, arbitrary: fc.constantFrom('0.5', ' 1 ', '0', 0, 1, 0.25) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      ...['2024-05-01 11:59:00.123456+00', '2024-05-01t10:59:00+02', '20240501T1100Z', '2024/05/01 11:00'],
      ...['Wed, 01 May 2024 11:00:00 GMT', 'May 1 2024'],
      ...['2024-W18-3', '2024-122', 'infinity', '0000-05-01', '+12024-05-01T00:00:00Z', '1. Mai 2024'],
      ...[1_714_564_700, 1_714_564_700_000_000, 1_714_564_700.5, 20_240_501, 12, 1e14, -1e9],
    ),
  },
  fc.double({ min: 1e7, max: 1e20 }).map(Math.trunc),
  fc.constantFrom(
    null,
    '',
    true,
    'true',
    {},
    [],
    { a: 1 },
    '2024-02-xx',
    '2024-13-01',
    'NaN',
    '0x1',
    '1e9999',
  ),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.jsonValue({ maxDepth: 1 }),
);

function anyMessage({ message, schema }: StreamContract): fc.Arbitrary<unknown> {
  const paths = message ? Object.values(message.fields).flat() : schema.fields.map(({ name }) => name);
  const entries = fc.subarray(paths).chain((chosen) => {
    return fc.tuple(...chosen.map((path) => fc.tuple(fc.constant(path), anyValue)));
  });
  const complete = fc.constantFrom({}, { userId: 'u', event: 'E' }, sound(schema.fields));
  const built = fc.tuple(complete, entries).map(([start, more]) => build({ ...start }, more));
  return fc.oneof({ weight: 20, arbitrary: built }, fc.jsonValue({ maxDepth: 2 }));
}

const sound = (fields: { name: string }[]): object =>
  fields.some(({ name }) => name === 'observed_at')
    ? { city: 'Zurich', observed_at: '2024-05-01T11:00:00Z', temperature_c: 20 }
    : { anonymousId: 'a', event: 'E', context: { location: { latitude: 47 } } };

function build(message: Record<string, unknown>, entries: [string, unknown][]): object {
  for (const [path, value] of entries) {
    let at = message;
    const keys = path.split('.');
    const last = keys.pop() ?? '';
    for (const key of keys) {
      if (typeof at[key] !== 'object' || at[key] === null || Array.isArray(at[key])) at[key] = {};
      else at[key] = { ...at[key] };
      at = at[key] as Record<string, unknown>;
    }
    at[last] = value;
  }
  return message;
}

function anyBody(contract: StreamContract, { body }: HttpRoute): fc.Arbitrary<unknown> {
  const message = anyMessage(contract);
  const messages = fc.array(message, { maxLength: 2 });
  if (body === 'message') return message;
  if (body === 'messages') return fc.oneof(message, messages);
  const mostly = (value: unknown) => fc.oneof({ weight: 9, arbitrary: fc.constant(value) }, anyValue);
  const envelope = fc.record(
    { batch: messages, sentAt: mostly('2024-05-01T12:00:00Z'), context: mostly({ os: { name: 'iOS' } }) },
    { requiredKeys: [] },
  );
  return fc.oneof({ weight: 9, arbitrary: envelope }, anyValue);
}

describe('the schema of a body', () => {
  it.each(routes)('says of $path what is taken, and of nothing else', ({ contract, route }) => {
    const schema = bodySchema(contract, route);
    const isValid = new Ajv2020({ strictTypes: false }).compile(schema);
    const counts = { taken: 0, refused: 0 };
    fc.assert(
      fc.property(anyBody(contract, route), (body) => {
        const refused = refusal(contract, route, body);
        counts[refused === undefined ? 'taken' : 'refused'] += 1;
        expect(isValid(body), `refused: ${refused}, schema: ${JSON.stringify(isValid.errors)}`).toBe(
          refused === undefined,
        );
      }),
      { numRuns: 400, seed: 20_261 },
    );
    expect(counts.taken).toBeGreaterThan(20);
    expect(counts.refused).toBeGreaterThan(20);
  });

  it('says of times what is taken', async () => {
    const weather = streamNamed(await loadStreams(), 'weather');
    const isValid = new Ajv2020({ strictTypes: false }).compile(
      bodySchema(weather, { path: '/v1/weather', body: 'message' }),
    );
    const says = (observed_at: unknown) => isValid({ city: 'Bern', temperature_c: 1, observed_at });
    const accepted = timeForms.flatMap(({ times }) => times).filter(({ form }) => form === undefined);
    for (const { value } of accepted) expect(says(value), String(value)).toBe(true);
    /** Schemas know no calendar, no leap seconds, no names of zones, and no year 1 in another zone. */
    const unknown = /has no day|second 60|no time zone/;
    const refused = refusedTimes.filter(({ value, form, message }) => {
      const atBound = typeof value === 'string' && /^(0001-01-01|9999-12-31)/.test(value);
      return form === undefined && value !== '' && !atBound && !unknown.test(message.source);
    });
    expect(refused.length).toBeGreaterThan(20);
    for (const { value } of refused) expect(says(value), String(value)).toBe(false);
  });
});
