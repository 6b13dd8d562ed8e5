import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type HttpProducer, startHttpProducer } from '../fixtures/http.ts';

// biome-ignore lint/suspicious/noExplicitAny: a document is looked at, not programmed with
type Json = any;

let producer: HttpProducer;
let document: Json;
beforeAll(async () => {
  producer = await startHttpProducer();
  document = await (await fetch(`${producer.url}/docs/openapi.json`)).json();
});
afterAll(() => producer.close());

/** Compiles a schema of the document, including its references, into a validator. */
function checkOf(schema: Json) {
  const ajv = new Ajv2020({ strict: false });
  ajv.addSchema({ $id: 'document', components: document.components });
  const absolute = JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"document#/components'));
  return ajv.compile(absolute);
}

it('is OpenAPI 3.1 and has every route that takes events', () => {
  expect(document.openapi).toBe('3.1.0');
  expect(Object.keys(document.paths)).toEqual(
    expect.arrayContaining([
      '/v1/track',
      '/v1/t',
      '/v1/alias',
      '/v1/batch',
      '/v1/import',
      '/v1/b',
      '/v1/weather',
    ]),
  );
  expect(Object.keys(document.paths).filter((path) => path.startsWith('/docs'))).toEqual([]);
  const { requestBody, responses } = document.paths['/v1/identify'].post;
  expect(Object.keys(requestBody.content)).toEqual(['application/json']);
  expect(requestBody.content['application/json'].schema.properties.userId.type).toContain('string');
  expect(Object.keys(responses)).toEqual(['200', '400', '401', '403', '408', '413', '415', '429', '503']);
});

it.each([
  ['/v1/track', { event: 'E', userId: 'u' }, 200],
  ['/v1/track', { event: 'E' }, 400],
  ['/v1/track', { userId: 'u', event: 'E', context: { location: { latitude: 91 } } }, 200],
  ['/v1/track', { userId: ['u'], event: 'E' }, 400],
  ['/v1/identify', { userId: 'u' }, 200],
  ['/v1/batch', { batch: [{ type: 'alias', userId: 'u', previousId: 'p' }] }, 200],
  ['/v1/batch', { batch: [{ type: 'track', userId: 'u' }] }, 400],
  ['/v1/batch', [], 400],
  ['/v1/weather', [{ city: 'Zurich', observed_at: '2024-01-01T00:00:00Z', temperature_c: 1 }], 200],
  ['/v1/weather', { city: 'Zurich' }, 400],
])('says of %s with %j what comes of it: %i, and what the answer is', async (path, body, status) => {
  const response = await fetch(`${producer.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(response.status).toBe(status);
  const { requestBody, responses } = document.paths[path].post;
  expect(checkOf(requestBody.content['application/json'].schema)(body)).toBe(status === 200);
  const isAnswer = checkOf(responses[status].content['application/json'].schema);
  expect(isAnswer(await response.json()), JSON.stringify(isAnswer.errors)).toBe(true);
});

it('is shown at /docs by a page that loads nothing from elsewhere', async () => {
  const page = await fetch(`${producer.url}/docs`);
  expect(page.status).toBe(200);
  expect(page.headers.get('content-security-policy')).toMatch(/default-src 'self'/);
  const html = await page.text();
  const links = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link = '']) => link);
  expect(links.length).toBeGreaterThan(3);
  for (const link of links) {
    expect(link).not.toMatch(/^(https?:)?\/\//);
    expect((await fetch(new URL(link, `${producer.url}/docs/`))).status, link).toBe(200);
  }
});
