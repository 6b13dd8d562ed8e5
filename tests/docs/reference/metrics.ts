import { type Broker, consumeMeasured } from '@windrow/pipeline';
import type { Database } from '@windrow/postgres';
import { createLogger, createRegistry, type Registry } from '@windrow/runtime';
import * as enricher from '../../../services/enricher/src/metrics.ts';
import * as lakeSink from '../../../services/lake-sink/src/metrics.ts';
import * as postgresSink from '../../../services/postgres-sink/src/metrics.ts';
import { watchReplays } from '../../../services/postgres-sink/src/replay-watch.ts';
import { producerMetrics } from '../../../services/producer/src/metrics.ts';
import { code, page, table } from './page.ts';

/** How each service registers its metrics when it starts. tests/docs holds this against what running services serve. */
const registrations: Record<string, (registry: Registry) => Promise<void>> = {
  producer: async (registry) => {
    producerMetrics(registry);
  },
  enricher: async (registry) => {
    enricher.enricherMetrics(registry);
    enricher.showState(
      registry,
      () => [],
      () => [],
    );
    await consumer(registry);
  },
  'lake-sink': async (registry) => {
    lakeSink.sinkMetrics(registry);
    lakeSink.showState(registry, () => ({ watermarksMs: new Map(), heldBytes: 0 }));
    await consumer(registry);
  },
  'postgres-sink': async (registry) => {
    postgresSink.sinkMetrics(registry);
    await consumer(registry);
    const database = { use: async () => ({ rows: [] }) } as unknown as Database;
    watchReplays(database, registry, createLogger('postgres-sink', 'fatal'))();
  },
};

const consumer = (registry: Registry) =>
  consumeMeasured({ consume: async () => ({ positions: () => [] }) } as unknown as Broker, registry, {
    groupId: 'none',
    topics: [],
  } as unknown as Parameters<typeof consumeMeasured>[2]);

interface Registered {
  name: string;
  help: string;
  type: string;
  labels: string[];
}

/** What a service registers, without the process metrics that prom-client adds. */
async function registeredBy(service: string): Promise<Registered[]> {
  const registry = createRegistry(service);
  await registrations[service]?.(registry);
  const types = new Map((await registry.getMetricsAsJSON()).map(({ name, type }) => [name, String(type)]));
  return registry
    .getMetricsAsArray()
    .filter(({ name }) => name.startsWith('windrow_'))
    .map((metric) => ({
      name: metric.name,
      help: metric.help,
      type: types.get(metric.name) ?? '',
      labels: 'labelNames' in metric ? (metric.labelNames as string[]) : [],
    }))
    .sort((one, other) => (one.name < other.name ? -1 : 1));
}

export async function metricsPage(): Promise<string> {
  const sections = await Promise.all(
    Object.keys(registrations).map(
      async (service) =>
        `## ${service}\n\n${table(
          ['metric', 'type', 'labels', 'meaning'],
          (await registeredBy(service)).map(({ name, type, labels, help }) => [
            code(name),
            type,
            labels.map(code).join(', '),
            help,
          ]),
        )}`,
    ),
  );
  return page(
    'Metrics',
    'Each service serves Prometheus metrics at `/metrics` on its admin port. Every series has the label `service`. Names end ' +
      'with the base unit. Each service also has the process metrics of prom-client (`process_…`, `nodejs_…`). ' +
      'The dashboard and the alerts are in [infra/](../../infra).',
    sections,
  );
}
