import { expect, test } from 'vitest';
import type { StreamContract } from '../contract.ts';
import { parseInput } from '../input.ts';
import { parseExactJson } from '../json/exact-json.ts';
import { scanJson } from '../json/json-scan.ts';
import { loadStreams, streamNamed } from '../streams.ts';

const contracts = await loadStreams();
const track = streamNamed(contracts, 'track');
const weather = streamNamed(contracts, 'weather');
const file = { kind: 'file' } as const;
const http = { kind: 'http', receivedAtMs: Date.parse('2026-11-28T09:00:01Z') } as const;

/** As the door does it: the JSON's own numbers and texts. */
function parsed(json: string, contract: StreamContract = track) {
  const bytes = Buffer.from(json);
  const scan = scanJson(bytes);
  const traits = { hasNumberTexts: scan.numberTexts.length > 0, hasBrokenText: scan.hasBrokenText };
  return parseInput(contract, parseExactJson(bytes, scan), http, traits);
}

function recordOf(json: string, contract?: StreamContract) {
  const result = parsed(json, contract);
  if (!result.ok) throw new Error(result.message);
  return result.record;
}

const typed: StreamContract = {
  ...weather,
  name: 'typed',
  id: ['id'],
  jsonFields: ['data'],
  nfcFields: ['place'],
  parse: (input) => ({ ...input }),
  schema: {
    type: 'record',
    name: 'Typed',
    fields: [
      'id:string',
      'place:string',
      'd:double',
      'f:float',
      'l:long',
      'i:int',
      'b:boolean',
      'data:string',
    ].map((field) => {
      const [name = '', type] = field.split(':');
      return { name, type: ['null', type], default: null };
    }),
  },
};

test('ids and texts have the digits of the number that was sent', () => {
  const ids = ['1329057093467865088', '1329057093467865089', '1329057093467865090'];
  expect(ids.map((id) => recordOf(`{"event":"N","anonymousId":"a","messageId":${id}}`).event_id)).toEqual(
    ids,
  );
  expect(
    recordOf(
      '{"event":"V","userId":157963456373623803,"messageId":1e21,"timestamp":"2026-11-28T09:00:00Z","context":{"os":{"version":10.0},"app":{"version":1.10,"build":20240501123456789}}}',
    ),
  ).toMatchObject({
    user_id: '157963456373623803',
    event_id: '1e21',
    os_version: '10.0',
    app_version: '1.10',
    app_build: '20240501123456789',
    context: '{"os":{"version":10.0},"app":{"version":1.10,"build":20240501123456789}}',
  });
});

test('JSON columns have the digits, and numbers that jsonb has no place for are refused', () => {
  const properties = '{"price":1e400,"dec":12345678901234567.89,"neg":-0.0,"n":[12345678901234567890,1.0]}';
  const message = (json: string) => `{"event":"V","anonymousId":"a","messageId":"v","properties":${json}}`;
  expect(recordOf(message(properties)).properties).toBe(properties);
  for (const number of ['1e131072', '1e-16384', `1${'0'.repeat(131_072)}`, `0.${'0'.repeat(16_383)}1`])
    expect(parsed(message(`{"a":[${number}]}`))).toMatchObject({
      ok: false,
      reason: 'properties_out_of_range',
      message: expect.stringContaining('131072 digits before and 16383 after the decimal point'),
    });
  for (const number of ['1e131071', '1.5e-16382'])
    expect(recordOf(message(`{"a":${number}}`)).properties).toBe(`{"a":${number}}`);
});

test('without an id, contents that differ in a digit of a number are different events', () => {
  const id = (json: string) => recordOf(json).event_id;
  const at = '"timestamp":"2026-11-28T09:00:00Z"';
  const order = (number: string) => `{"event":"O","userId":"u",${at},"properties":{"order":${number}}}`;
  expect(id(order('9007199254740992'))).not.toBe(id(order('9007199254740993')));
  expect(id(order('9007199254740993'))).toBe(id(order(' 9007199254740993')));
});

test.each([
  ['l', '9223372036854775807', 9223372036854775807n],
  ['l', '-9223372036854775808', -9223372036854775808n],
  ['l', '"9007199254740993"', 9007199254740993n],
  ['l', '-9007199254740991', -9007199254740991],
  ['l', '5.0', 5],
  ['l', '1e3', 1000],
  ['l', '" +7 "', 7],
  ['i', '-2147483648', -2147483648],
  ['d', '0.1', 0.1],
  ['d', '1.10', 1.1],
  ['d', '9007199254740992', 2 ** 53],
  ['d', '1e23', 1e23],
  ['d', '"1e23"', 1e23],
  ['f', '0.1', 0.1],
  ['id', '-0', '-0'],
  ['id', 'true', 'true'],
  ['place', '"Zu\\u0308rich"', 'Zürich'],
  ['id', '"Zu\\u0308rich"', 'Zu\u0308rich'],
])('%s: %s is kept as %s', (field, json, expected) => {
  expect(recordOf(`{"${field}":${json}}`, typed)[field]).toStrictEqual(expected);
});

test.each([
  ['l', '9223372036854775808', 'l_out_of_range'],
  ['l', '"12345678901234567890"', 'l_out_of_range'],
  ['l', '1e400', 'l_out_of_range'],
  ['l', '2.5', 'l_invalid'],
  ['l', '"x"', 'l_invalid'],
  ['i', '2147483648', 'i_out_of_range'],
  ['d', '9007199254740993', 'd_not_exact'],
  ['d', '"12345678901234567.89"', 'd_not_exact'],
  ['d', '1e400', 'd_out_of_range'],
  ['d', '"1e400"', 'd_out_of_range'],
  ['d', '"1e999999"', 'd_out_of_range'],
  ['d', '1e-400', 'd_out_of_range'],
  ['d', '"NaN"', 'd_invalid'],
  ['f', '16777217', 'f_not_exact'],
  ['f', '1e39', 'f_out_of_range'],
  ['b', '1.0', 'b_invalid'],
  ['data', '12345678901234567890', 'data_invalid'],
  ['data', '"{\\"a\\":"', 'data_invalid'],
  ['data', '"{\\"a\\":1e999999}"', 'data_out_of_range'],
])('%s: %s costs the value of an optional field: %s', (field, json, reason) => {
  const result = parsed(`{"${field}":${json}}`, typed);
  expect(result).toMatchObject({ ok: true, record: { [field]: null }, notes: [{ field, reason }] });
  const strict = { ...typed, severities: { [field]: 'reject' as const } };
  expect(parsed(`{"${field}":${json}}`, strict)).toMatchObject({ ok: false, reason });
});

test('a refusal has the value, the expected values and the way out', () => {
  const messageOf = (json: string, contract?: StreamContract) => {
    const result = parsed(json, contract);
    return result.ok ? result.notes?.map(({ message }) => message).join() : result.message;
  };
  expect(messageOf('{"l":9223372036854775808}', typed)).toBe(
    'l is 9223372036854775808; expected a whole number between -9223372036854775808 and 9223372036854775807; correct the value, or change the type of the field to string',
  );
  expect(messageOf('{"d":"47,4"}', typed)).toBe('d is "47,4"; expected a number; write a decimal point');
  expect(messageOf(`{"d":"${'x'.repeat(200)}"}`, typed)).toBe(`d is "${'x'.repeat(79)}…; expected a number`);
  expect(messageOf('{"event":"E","userId":["u"]}')).toBe(
    'user_id (userId) is ["u"]; expected a text; send one text, number or true/false',
  );
  expect(messageOf('{"temperature_c":1,"city":"x"}', weather)).toBe(
    'observed_at is required, and the event has no value for it',
  );
  expect(messageOf('12345678901234567890')).toBe('the input is 12345678901234567890; expected an object');
});

test('broken text is replaced after ids were told apart, and the sender is warned', () => {
  const lines = [
    '{"event":"S","anonymousId":"a","messageId":"s-props","properties":{"t":"cut \\ud83d","k\\u0000":[1.0,"\\ud83d\\ude00"]}}',
    '{"event":"Tr \\ud83d","anonymousId":"a","messageId":"s-name"}',
    '{"event":"S","userId":"u","messageId":"s-\\ud800"}',
    '{"event":"S","userId":"u\\u0000","messageId":"s-\\ud801"}',
  ].map((line) => parsed(line));
  expect(lines.map((line) => line.ok && line.warnings)).toEqual(new Array(4).fill(['replaced_text']));
  expect(lines.map((line) => line.ok && line.record)).toMatchObject([
    { properties: '{"t":"cut \ufffd","k\ufffd":[1.0,"😀"]}' },
    { event_name: 'Tr \ufffd' },
    { event_id: 's-\ufffdd800' },
    { event_id: 's-\ufffdd801', user_id: 'u\ufffd' },
  ]);
  expect(parsed('{"event":"S 😀","userId":"u","messageId":"s"}')).not.toHaveProperty('warnings');
  const withoutId = (unit: string) =>
    recordOf(`{"event":"S","userId":"u","timestamp":"2026-11-28","properties":{"t":"\\u${unit}"}}`);
  expect(withoutId('d800').event_id).not.toBe(withoutId('d801').event_id);
});

test('the text of a JSON column, as CSV has it, is replaced too', () => {
  const cell = '{"a":"\\u0000 \\ud800","n":1.10}';
  const result = parseInput(typed, { id: 'x', data: cell }, file);
  expect(result).toMatchObject({
    record: { data: '{"a":"\ufffd \ufffd","n":1.10}' },
    warnings: ['replaced_text'],
  });
  const kept = '{"a": "\\u00e9", "n": 1.10}';
  expect(parseInput(typed, { id: 'x', data: kept }, file)).toMatchObject({ record: { data: kept } });
});
