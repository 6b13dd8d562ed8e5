import { expect, test } from 'vitest';
import { messagesOf } from './fuzz-http.ts';

test.each([
  ['/v1/weather', [{}, {}], 2],
  ['/v1/weather', { city: 'Bern', batch: [] }, 1],
  ['/v1/weather?a=b', {}, 1],
  ['/v1/batch', { batch: [{}, {}, {}] }, 3],
  ['/v1/import', { batch: [] }, 0],
  ['/v1/track', { batch: [{}, {}] }, 1],
])('%s with %j holds %d messages', (path, body, messages) => {
  const request = { method: 'POST', path, headers: {}, body: Buffer.from(JSON.stringify(body)) };
  expect(messagesOf(request)).toBe(messages);
});
