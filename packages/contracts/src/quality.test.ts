import { describe, expect, it } from 'vitest';
import type { Rule, StreamContract } from './contract.ts';
import { parseInput } from './input.ts';
import { NumberText } from './json/number-text.ts';
import { addNotes, qualityNote } from './quality.ts';
import { ruleCheck } from './rule-check.ts';
import { between, required, withSeverity } from './rules.ts';
import { loadStreams, streamNamed } from './streams.ts';

const contracts = await loadStreams();
const track = streamNamed(contracts, 'track');
const weather = streamNamed(contracts, 'weather');
const receivedAtMs = Date.parse('2026-11-28T09:00:00Z');
const http = { kind: 'http', receivedAtMs } as const;
const file = { kind: 'file' } as const;

/** The event that is stored, or the reason of its rejection. */
function stored(contract: StreamContract, input: object, source: typeof http | typeof file = http) {
  const parsed = parseInput(contract, input, source);
  if (!parsed.ok) return parsed.reason;
  const judgement = ruleCheck(contract)(parsed.record, parsed.notes);
  if (judgement?.ok === false) return judgement.reason;
  const { _quality, _extra, ...record } = parsed.record;
  const of = (text: unknown) => (text === null ? null : (JSON.parse(String(text)) as unknown));
  return { ...record, _quality: of(_quality), _extra: of(_extra) };
}

const message = (more: object) => ({ event: 'L', anonymousId: 'a', messageId: 'm', ...more });
const observation = { city: 'Bern', observed_at: '2026-11-28T09:00:00Z' };

describe('an optional value that is wrong', () => {
  it.each([
    [{ location: { latitude: '47,4' } }, 'latitude', 'latitude_invalid', '47,4'],
    [{ device: { type: ['phone'] } }, 'device_type', 'device_type_invalid', '["phone"]'],
    [{ location: { latitude: 999, longitude: 8 } }, 'latitude', 'latitude_out_of_range', '999'],
    [{ location: { city: 'x'.repeat(1_025) } }, 'city', 'city_too_long', `${'x'.repeat(80)}…`],
  ])('costs the value: %j', (context, field, reason, value) => {
    expect(stored(track, message({ context }))).toMatchObject({
      event_id: 'm',
      [field]: null,
      context: JSON.stringify(context),
      _quality: [{ field, reason, value }],
    });
  });

  it.each([
    [{ temperature_c: 'NaN', precip_type: 'rain' }, 'temperature_c_invalid'],
    [{ temperature_c: 3.1, humidity: '85' }, 'humidity_out_of_range'],
    [{ temperature_c: 3.1, precip_type: 'drizzle' }, 'precip_type_unknown'],
  ])('costs the value of an observation: %j', (values, reason) => {
    expect(stored(weather, { ...observation, ...values }, file)).toMatchObject({ _quality: [{ reason }] });
  });

  it('does not keep a weather without a temperature from its rain', () => {
    expect(stored(weather, { ...observation, precip_intensity: 2 })).toMatchObject({
      temperature_c: null,
      precip_intensity: 2,
      _quality: null,
    });
    expect(stored(weather, observation)).toBe('measurements_missing');
    expect(stored(weather, { ...observation, temperature_c: 99 })).toBe('temperature_c_out_of_range');
  });

  it('is the reason of the rejection if a rule needs it', () => {
    expect(stored(track, message({ event: {} }))).toBe('event_name_invalid');
    expect(stored(track, message({ event: 'x'.repeat(2_000) }))).toBe('event_name_too_long');
    expect(stored(track, message({ type: 'page', event: '', name: {} }))).toMatchObject({ event_name: null });
    expect(stored(track, { ...message({}), userId: ['u'] })).toBe('user_id_invalid');
  });

  it('costs the event where the contract says so', () => {
    const strict = { ...track, severities: { latitude: 'reject' as const } };
    const input = message({ context: { location: { latitude: '47,4' } } });
    expect(parseInput(strict, input, http)).toMatchObject({ ok: false, reason: 'latitude_invalid' });
  });
});

describe('a rule', () => {
  const check = (rules: Rule[], record: Record<string, unknown>) => {
    const judgement = ruleCheck({ rules })(record);
    return judgement?.ok === false ? judgement : { judgement, record };
  };

  it('of severity warn notes the value and keeps it', () => {
    const rules = withSeverity('warn', between('a', 0, 1));
    expect(check(rules, { a: 2, _quality: null })).toMatchObject({
      record: { a: 2, _quality: '[{"field":"a","reason":"a_out_of_range","value":"2"}]' },
      judgement: { notes: [{ message: 'a is 2, not between 0 and 1' }] },
    });
    expect(check(rules, { a: 1, _quality: null })).toEqual({
      judgement: null,
      record: { a: 1, _quality: null },
    });
  });

  it('that nulls out comes before one that rejects, and leaves the dead letter as it was', () => {
    const record = { a: 2, b: null };
    const rules = [required('b'), ...withSeverity('null_out', between('a', 0, 1))];
    expect(check(rules, record)).toMatchObject({ ok: false, reason: 'b_missing' });
    expect(record).toEqual({ a: 2, b: null });
  });
});

it('adds a note to those that an event has', () => {
  const record: Record<string, unknown> = { _quality: null };
  addNotes(record, [qualityNote('a', 'a_invalid', new NumberText('1.10'), '')]);
  addNotes(record, [qualityNote('b', 'b_invalid', `${'x'.repeat(79)}😀\0`, '')]);
  expect(JSON.parse(String(record._quality))).toEqual([
    { field: 'a', reason: 'a_invalid', value: '1.10' },
    { field: 'b', reason: 'b_invalid', value: `${'x'.repeat(79)}\ufffd…` },
  ]);
});

describe('an empty array of PHP', () => {
  it.each(['properties', 'traits', 'context'])('is an empty object: %s', (field) => {
    expect(stored(track, message({ [field]: [] }))).toMatchObject({ [field]: '{}', _quality: null });
    const cells = message({ [field]: '[]', timestamp: '2026-11-28T09:00:00Z' });
    expect(stored(track, cells, file)).toMatchObject({ [field]: '{}', _quality: null });
    expect(stored(track, message({ [field]: [1] }))).toMatchObject({
      [field]: null,
      _quality: [{ field, reason: `${field}_invalid`, value: '[1]' }],
    });
  });
});

describe('a name that no field takes', () => {
  it('has its value in _extra, and the sender is warned', () => {
    const input = message({ shoe: { size: 43 }, none: null, _extra: 'x', _quality: [] });
    expect(stored(track, input)).toMatchObject({
      _extra: { shoe: { size: 43 }, _extra: 'x', _quality: [] },
      _quality: null,
    });
    expect(parseInput(track, input, http)).toMatchObject({ warnings: ['unknown_fields'] });
    expect(stored(track, message({ none: null }))).toMatchObject({ _extra: null });
    expect(stored(weather, { ...observation, temperature_c: 1, station: 7, _extra: 'x' })).toMatchObject({
      _extra: { station: 7, _extra: 'x' },
    });
  });

  it('keeps its digits, and its texts are storable', () => {
    const input = { ...message({}), n: new NumberText('157963456373623803'), t: 'a\0', __proto__: 1 };
    const parsed = parseInput(track, input, http);
    expect(parsed.ok && parsed.record._extra).toBe('{"n":157963456373623803,"t":"a\ufffd"}');
    const huge = { ...message({}), n: new NumberText('1e999999') };
    expect(stored(track, huge)).toBe('_extra_out_of_range');
    const named = JSON.parse('{"event":"L","anonymousId":"a","messageId":"m","__proto__":{"a":1}}') as object;
    expect(parseInput(track, named, http)).toMatchObject({ record: { _extra: '{"__proto__":{"a":1}}' } });
  });

  it('of a file is in _extra too', () => {
    const source = { kind: 'file', unread: ['station'] } as const;
    const parsed = parseInput(weather, { ...observation, temperature_c: 1, station: 'S' }, source);
    expect(parsed).toMatchObject({ record: { _extra: '{"station":"S"}' } });
    expect(parsed).not.toHaveProperty('warnings');
  });
});

describe("a field of Segment's specification", () => {
  it('has a column', () => {
    const group = { type: 'group', groupId: 'org_1', userId: 'u', messageId: 'g', traits: {} };
    expect(stored(track, { ...group, properties: { client_id: 'c' } })).toMatchObject({
      group_id: 'org_1',
      properties: '{"client_id":"c"}',
      _extra: null,
    });
    const alias = { type: 'alias', previousId: 'p', userId: 'u', messageId: 'a' };
    expect(stored(track, alias)).toMatchObject({ previous_id: 'p', properties: null });
    expect(stored(track, message({ context: { groupId: 'org_2' } }))).toMatchObject({ group_id: 'org_2' });
  });

  it('or its place in the context', () => {
    const others = {
      ...{ integrations: { All: false }, category: 'Docs', channel: 'server', version: 2 },
      ...{ originalTimestamp: '2026-11-28T08:00:00Z', receivedAt: '2026-11-28T08:00:01Z' },
      _metadata: { bundled: ['x'] },
    };
    const input = message({ ...others, timestamp: '2026-11-28T08:59:00Z', context: { channel: 'own' } });
    const event = stored(track, input);
    expect(JSON.parse((event as unknown as { context: string }).context)).toEqual({
      ...others,
      channel: 'own',
    });
    expect(event).toMatchObject({ _extra: null, _quality: null });
    expect(stored(track, message({ integrations: {} }))).toMatchObject({ context: null });
  });
});

it('marks doubts about a clock', () => {
  const reasonOf = (times: object) => stored(track, message(times));
  expect(reasonOf({ timestamp: '2026-11-28T08:00:00Z', sentAt: '2026-11-20T08:00:00Z' })).toMatchObject({
    _quality: [{ field: 'sent_at', reason: 'clock_implausible', value: '2026-11-20T08:00:00.000Z' }],
  });
  expect(reasonOf({ timestamp: '2026-11-01T08:00:00Z', sentAt: '2026-11-20T08:00:00Z' })).toMatchObject({
    occurred_at: Date.parse('2026-11-01T08:00:00Z'),
    _quality: [{ field: 'sent_at', reason: 'clock_skew' }],
  });
  expect(reasonOf({ timestamp: '2026-11-28T08:00:00Z', sentAt: '+287168-01-01T00:00:00Z' })).toMatchObject({
    sent_at: null,
    _quality: [{ field: 'sent_at', reason: 'sent_at_out_of_range' }],
  });
  expect(reasonOf({ timestamp: '2026-11-28T08:00:00Z', sentAt: '2026-11-28T08:59:00Z' })).toMatchObject({
    _quality: null,
  });
});
