import { expect, test } from 'vitest';
import { knownFields } from './known-fields.ts';
import { loadStreams, streamNamed } from './streams.ts';

test('a stream with a layout knows the tops of its paths and its other fields, not the names of its schema', async () => {
  const known = knownFields(streamNamed(await loadStreams(), 'track'));
  for (const field of ['messageId', 'event', 'name', 'context', 'sentAt', 'integrations', 'previousId'])
    expect(known, field).toContain(field);
  for (const field of ['event_id', 'context.location.city', 'location', 'evnet'])
    expect(known, field).not.toContain(field);
});

test('a stream without one knows the names of its schema and its other fields', async () => {
  const weather = streamNamed(await loadStreams(), 'weather');
  const names = weather.schema.fields.map(({ name }) => name);
  expect([...knownFields(weather)].sort()).toEqual(
    [...names, ...(weather.otherFields ?? [])].filter((name) => !name.startsWith('_')).sort(),
  );
});
