import { randomUUID } from 'node:crypto';
import { deadLettersWhere, recordsOf } from '@windrow/pipeline/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HttpProducer, startHttpProducer } from '../fixtures/http.ts';

let producer: HttpProducer;
beforeAll(async () => {
  producer = await startHttpProducer();
});
afterAll(() => producer.close());

const post = async (path: string, body: string) => {
  const response = await fetch(`${producer.url}${path}`, { method: 'POST', body });
  return { status: response.status, body: (await response.json()) as { errors?: object[] } };
};

const replacedTexts = async () =>
  (await producer.metrics.warnings.get()).values.find(({ labels }) => labels.warning === 'replaced_text')
    ?.value ?? 0;

describe('values over HTTP', () => {
  it('have the digits that were sent: as ids, in texts and in JSON', async () => {
    const start = String(BigInt(`0x${randomUUID().slice(0, 8)}`) + 1329057093467865088n).slice(0, -1);
    const batch = [0, 1, 2].map(
      (i) =>
        `{"event":"N","userId":157963456373623803,"messageId":${start}${i},"properties":{"n":1.10,"b":1e400}}`,
    );
    expect(await post('/v1/batch', `{"batch":[${batch}]}`)).toMatchObject({ status: 200 });
    const records = await recordsOf(producer.broker, producer.registry, producer.track);
    const own = records.filter(({ event_id }) => String(event_id).startsWith(start));
    expect(own.map(({ event_id }) => event_id).sort()).toEqual([0, 1, 2].map((i) => `${start}${i}`));
    for (const { user_id, properties } of own)
      expect([user_id, properties]).toEqual(['157963456373623803', '{"n":1.10,"b":1e400}']);
  });

  it('have U+FFFD for characters that no store can hold, once the ids were told apart, with a warning', async () => {
    const of = randomUUID();
    const before = await replacedTexts();
    const batch = [
      `{"event":"cut \\ud83d","userId":"u","messageId":"${of}-\\ud800","properties":{"k\\u0000":"\\ud83d\\ude00"}}`,
      `{"event":"E","userId":"\\u0000","messageId":"${of}-\\ud801"}`,
      `{"event":"E 😀","userId":"u","messageId":"${of}-0"}`,
    ];
    expect(await post('/v1/batch', `{"batch":[${batch}]}`)).toMatchObject({ status: 200 });
    const records = await recordsOf(producer.broker, producer.registry, producer.track);
    const own = records.filter(({ event_id }) => String(event_id).startsWith(of));
    expect(own.sort((a, b) => (String(a.event_id) < String(b.event_id) ? -1 : 1))).toMatchObject([
      { event_id: `${of}-0`, event_name: 'E 😀' },
      { event_id: `${of}-\ufffdd800`, event_name: 'cut \ufffd', properties: '{"k\ufffd":"😀"}' },
      { event_id: `${of}-\ufffdd801`, user_id: '\ufffd' },
    ]);
    expect((await replacedTexts()) - before).toBe(2);
  });

  it('are in dead letters byte for byte, without write keys, with what the batch adds beside them', async () => {
    const of = randomUUID();
    const own = `{ "event":"V" , "anonymousId":"a", "messageId":"${of}","timestamp":"bad",\n"properties":{"order":9007199254740993,"t":"\\ud83d"}}`;
    const withKey = own.replace('{ ', '{ "writeKey":"secret",');
    const body = `{"batch":[{"event":"E","userId":"u"}, ${withKey} ],"context":{"app":{"version":1.10}},"sentAt":"2026-11-28T09:00:00Z"}`;
    expect(await post('/v1/batch', body)).toMatchObject({
      status: 400,
      body: {
        errors: [
          {
            index: 1,
            reason: 'occurred_at_invalid',
            message: expect.stringMatching(
              /^occurred_at \(timestamp or originalTimestamp\) is "bad"; expected /,
            ),
          },
        ],
      },
    });
    const letters = await deadLettersWhere(producer.broker, producer.registry, ({ value }) =>
      Boolean(value?.includes(of)),
    );
    expect(letters).toHaveLength(1);
    expect(String(letters[0]?.value)).toBe(own);
    expect(letters[0]?.headers).toEqual({
      path: '/v1/batch',
      context: '{"app":{"version":1.10}}',
      sentAt: '"2026-11-28T09:00:00Z"',
    });
  });
});
