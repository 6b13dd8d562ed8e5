import { loadStreams } from '@windrow/contracts';
import { createDatabase } from '@windrow/postgres/testing';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { startHttpProducer } from '../../services/producer/fixtures/http.ts';
import { commandsPage } from './reference/commands.ts';
import { configurationPage } from './reference/configuration.ts';
import { type ApiDocument, httpPage } from './reference/http.ts';
import { metricsPage } from './reference/metrics.ts';
import { regenerate } from './reference/page.ts';
import { tablesPage } from './reference/tables.ts';
import { timesPage } from './reference/times.ts';
import { typesPage } from './reference/types.ts';

const pages: Record<string, () => Promise<string>> = {
  types: typesPage,
  commands: async () => commandsPage(),
  configuration: configurationPage,
  metrics: metricsPage,
  times: async () => timesPage(),
  http: async () => {
    const producer = await startHttpProducer();
    onTestFinished(() => producer.close());
    const response = await fetch(`${producer.url}/docs/openapi.json`);
    return httpPage((await response.json()) as ApiDocument);
  },
  tables: async () => {
    const database = await createDatabase(inject('endpoints').DATABASE_URL, await loadStreams());
    onTestFinished(() => database.drop());
    return tablesPage(database);
  },
};

describe(`docs/reference is what the code says (after a change: ${regenerate})`, () => {
  test.each(Object.entries(pages))('%s', async (name, render) => {
    await expect(await render()).toMatchFileSnapshot(`../../docs/reference/${name}.md`);
  });
});
