import { readFileSync } from 'node:fs';
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Installation } from '../end-to-end/installation.ts';
import { askPrometheus, panelQueries } from './panel-queries.ts';
import { startTraffic, type Traffic } from './traffic.ts';

const dashboard = JSON.parse(
  readFileSync(new URL('../../infra/grafana/dashboards/windrow.json', import.meta.url), 'utf8'),
) as Dashboard;

let windrow: Installation;
let traffic: Traffic;

beforeAll(async () => {
  windrow = await Installation.start();
  const { PRODUCER_URL = '', KAFKA_BROKERS = '', SCHEMA_REGISTRY_URL = '' } = windrow.endpoints;
  traffic = await startTraffic(PRODUCER_URL, KAFKA_BROKERS, SCHEMA_REGISTRY_URL);
});

afterAll(async () => {
  await traffic?.stop().finally(() => windrow.stop());
});

/** Asks again until a number comes: what happens seldom has its first two samples late. */
async function answer(query: string): Promise<number[]> {
  const deadline = Date.now() + 90_000;
  for (;;) {
    const samples = await askPrometheus(windrow.endpoints.PROMETHEUS_URL ?? '', query);
    const numbers = samples.map(({ value }) => Number(value)).filter(Number.isFinite);
    if (numbers.length > 0 || Date.now() > deadline) return numbers;
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}

describe('every panel of the dashboard has an answer while the pipeline works', () => {
  test.each(panelQueries(dashboard))('$row / $panel / $refId', { timeout: 120_000 }, async ({ query }) => {
    expect(await answer(query), query).not.toEqual([]);
  });
});

describe('the answers are those of the traffic', () => {
  async function value(query: string): Promise<number | undefined> {
    return (await answer(query))[0];
  }

  test('all four services are scraped', async () => {
    expect(await value('count(up{service!=""} == 1)')).toBe(4);
  });

  test('the producer and the enricher name why they refuse', async () => {
    expect(await value('windrow_dead_letters_total{service="producer",stage="http"}')).toBeGreaterThan(0);
    expect(
      await value('windrow_dead_letters_total{service="enricher",stage="decode",reason="not_avro"}'),
    ).toBeGreaterThan(0);
  });

  test('a query of a metric that is not there has no answer, so that this test can fail', async () => {
    const { PROMETHEUS_URL = '' } = windrow.endpoints;
    expect(await askPrometheus(PROMETHEUS_URL, 'windrow_no_such_metric')).toEqual([]);
    await expect(askPrometheus(PROMETHEUS_URL, 'sum(')).rejects.toThrow('parse error');
  });
});
