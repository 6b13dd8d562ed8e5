import { randomUUID } from 'node:crypto';
import type { Context, InitOptions } from '@segment/analytics-next';
import { Analytics } from '@segment/analytics-node';
import { must } from '@windrow/runtime/testing';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FaultProxy } from '../chaos/fault-proxy.ts';
import { Installation } from '../end-to-end/installation.ts';
import { readWithDeltaRs } from '../readers/readers.ts';
import { servePage, startBrowser } from './page.ts';

type SegmentioSettings = Exclude<NonNullable<InitOptions['integrations']>['Segment.io'], boolean | undefined>;

/** What the page's script has left in the global `AnalyticsNext`. */
type SegmentSdk = typeof import('@segment/analytics-next');

let windrow: Installation;
let proxy: FaultProxy;
let writeKey: string;

beforeAll(async () => {
  windrow = await Installation.start();
  proxy = await FaultProxy.before(must(windrow.endpoints.PRODUCER_URL));
  const { key } = JSON.parse(await windrow.windrow('keys', 'add', '--source', 'shop', '--json')) as {
    key: string;
  };
  writeKey = key;
});
afterAll(async () => {
  await proxy?.close();
  await windrow?.stop();
});

/** `type` → ids of the calls that have landed in the lake, each as often as it is there. */
async function landed(ids: readonly string[]): Promise<Map<string, string[]>> {
  await windrow.landed();
  const wanted = new Set(ids);
  const rows = await windrow.lake(readWithDeltaRs, 'curated/track', 'select event_id, type from t');
  const mine = rows.filter(({ event_id }) => wanted.has(String(event_id)));
  const byType = Map.groupBy(mine, ({ type }) => String(type));
  return new Map([...byType].map(([type, of]) => [type, of.map(({ event_id }) => String(event_id)).sort()]));
}

test('analytics-node: every call is in the lake once, also those sent while the network is down', async () => {
  const analytics = new Analytics({
    writeKey,
    host: proxy.url,
    flushAt: 15,
    flushInterval: 200,
    maxRetries: 20,
  });
  const errors: unknown[] = [];
  analytics.on('error', (error) => errors.push(error));
  const sent = new Map<string, string[]>();
  const calls: Promise<void>[] = [];
  const call = (
    type: 'track' | 'page' | 'screen' | 'identify' | 'group' | 'alias',
    message: object,
  ): void => {
    const messageId = randomUUID();
    sent.set(type, [...(sent.get(type) ?? []), messageId].sort());
    calls.push(
      new Promise((resolve, reject) => {
        const done = (error?: unknown) => (error ? reject(error) : resolve());
        (analytics[type] as (message: object, done: (error?: unknown) => void) => void).call(
          analytics,
          { messageId, userId: 'rider-1', ...message },
          done,
        );
      }),
    );
  };
  const callAll = (): void => {
    call('identify', { traits: { plan: 'pro' } });
    call('group', { groupId: 'riders', traits: { members: 3 } });
    call('alias', { previousId: 'anonymous-1' });
    call('page', { name: 'Home', properties: { path: '/' } });
    call('screen', { name: 'Map' });
    for (let n = 0; n < 40; n++) call('track', { event: 'Ride Started', properties: { n } });
  };
  callAll();
  await Promise.all(calls);
  proxy.set({ kind: 'cut' });
  const failed = new Promise((resolve) => analytics.once('http_request', resolve));
  callAll();
  await failed;
  proxy.set(undefined);
  await Promise.all(calls);
  await analytics.closeAndFlush();
  expect(errors).toEqual([]);
  expect(await landed([...sent.values()].flat())).toEqual(new Map([...sent].sort()));
});

interface SentCalls {
  [type: string]: string[];
}

/** In the page: makes every call and gives `type` → ids. */
async function callInPage(
  page: Page,
  options: { cdnURL: string; writeKey: string; batched: boolean },
): Promise<SentCalls> {
  return page.evaluate(async ({ cdnURL, writeKey, batched }) => {
    const { AnalyticsBrowser } = (globalThis as unknown as { AnalyticsNext: SegmentSdk }).AnalyticsNext;
    const strategy: SegmentioSettings = batched
      ? { deliveryStrategy: { strategy: 'batching', config: { size: 4, timeout: 300 } } }
      : {};
    const [analytics] = await AnalyticsBrowser.load(
      { writeKey, cdnURL },
      { integrations: { 'Segment.io': strategy } },
    );
    const sent: SentCalls = {};
    const note = ({ event }: Context): void => {
      const { type, messageId = '' } = event;
      sent[type] = [...(sent[type] ?? []), messageId].sort();
    };
    note(await analytics.page('Shop', 'Home', { path: '/' }));
    note(await analytics.identify('buyer-1', { plan: 'free' }));
    note(await analytics.group('company-1', { employees: 4 }));
    note(await analytics.alias('buyer-2', 'buyer-1'));
    note(await analytics.screen('Cart'));
    for (let n = 0; n < 10; n++) note(await analytics.track('Product Added', { n, price: 9.5 }));
    return sent;
  }, options);
}

test.each([
  ['one request a call', false],
  ['batching', true],
])('analytics-next in Chromium, %s: every call is in the lake once', async (_, batched) => {
  const [browser, site] = await Promise.all([startBrowser(), servePage()]);
  try {
    const page = await browser.newPage();
    const faults: string[] = [];
    page.on('pageerror', (error) => faults.push(String(error)));
    page.on('requestfailed', (request) => faults.push(`${request.url()} ${request.failure()?.errorText}`));
    page.on('response', (response) => {
      if (response.status() >= 400) faults.push(`${response.url()} ${response.status()}`);
    });
    await page.goto(site.url);
    const sent = await callInPage(page, { cdnURL: must(windrow.endpoints.PRODUCER_URL), writeKey, batched });
    const ids = Object.values(sent).flat();
    expect(ids).toHaveLength(15);
    await expect
      .poll(async () => [...(await landed(ids)).values()].flat().length, { timeout: 60_000 })
      .toBe(15);
    expect(Object.fromEntries(await landed(ids))).toEqual(sent);
    expect(faults).toEqual([]);
  } finally {
    await Promise.all([browser.close(), site.close()]);
  }
});

test('analytics-next in Chromium keeps what it could not send, and sends it when the network is back', async () => {
  const [browser, site] = await Promise.all([startBrowser(), servePage()]);
  try {
    const page = await browser.newPage();
    await page.goto(site.url);
    const refused = page.waitForEvent('requestfailed', (request) => request.url().endsWith('/v1/t'));
    const ids = page.evaluate(
      async ({ cdnURL, writeKey, api }) => {
        const { AnalyticsBrowser } = (globalThis as unknown as { AnalyticsNext: SegmentSdk }).AnalyticsNext;
        const integrations = { 'Segment.io': { apiHost: api, protocol: 'http' as const } };
        const [analytics] = await AnalyticsBrowser.load({ writeKey, cdnURL }, { integrations });
        const contexts = await Promise.all([1, 2, 3].map((n) => analytics.track('Checkout Started', { n })));
        return contexts.map(({ event }) => event.messageId ?? '');
      },
      { cdnURL: must(windrow.endpoints.PRODUCER_URL), writeKey, api: `${new URL(proxy.url).host}/v1` },
    );
    proxy.set({ kind: 'cut' });
    await refused;
    proxy.set(undefined);
    const sent = await ids;
    await expect
      .poll(async () => (await landed(sent)).get('track'), { timeout: 60_000 })
      .toEqual(sent.toSorted());
  } finally {
    proxy.set(undefined);
    await Promise.all([browser.close(), site.close()]);
  }
});
