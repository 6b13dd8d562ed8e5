import { expect, it } from 'vitest';
import { loadStreams, streamNamed } from './streams.ts';
import { TakenFields } from './taken-fields.ts';

const contracts = await loadStreams();
const taken = (stream: string, ...names: string[]) =>
  Object.fromEntries(new TakenFields(streamNamed(contracts, stream)).of(names));

it('finds the fields that a name fills, in each form of an input', () => {
  expect(taken('weather', 'city', 'temperature_c', 'station', 'observed_at')).toEqual({
    city: ['city'],
    temperature_c: ['temperature_c'],
    observed_at: ['observed_at'],
  });
  expect(taken('weather', 'city', 'currently_temperature', 'date_time', 'id')).toEqual({
    city: ['city'],
    currently_temperature: ['temperature_c'],
    date_time: ['observed_at'],
  });
  expect(taken('track', 'messageId', 'event', 'context', 'timestamp', 'integrations', 'shoe')).toEqual({
    messageId: ['event_id'],
    event: ['event_name'],
    context: ['context'],
    timestamp: ['occurred_at'],
    integrations: ['context'],
  });
  expect(taken('track', 'event_id', 'occurred_at', 'messageId')).toEqual({
    event_id: ['event_id'],
    occurred_at: ['occurred_at'],
  });
});

it('removes the table of an export, and knows the columns that become JSON', () => {
  const row = ['t.original_timestamp_time', 't.message_id', 't.context_page_url', 't.event_text', 't.colour'];
  expect(taken('track', ...row)).toEqual({
    't.original_timestamp_time': ['occurred_at'],
    't.message_id': ['event_id'],
    't.context_page_url': ['context'],
    't.event_text': ['event_name'],
  });
});

it('takes a name for read if the contract looks into its value or converts it', () => {
  const weather = streamNamed(contracts, 'weather');
  const parse = ({ user, when, kelvin }: Record<string, unknown>) => ({
    city: (user as { city?: string } | undefined)?.city,
    observed_at: Date.parse(String(when)),
    temperature_c: Number(kelvin) - 273.15,
  });
  const fields = new TakenFields({ ...weather, parse }).of(['user', 'when', 'kelvin', 'more']);
  expect([...fields.keys()]).toEqual(['user', 'when', 'kelvin']);
});
