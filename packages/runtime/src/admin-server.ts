import fastify from 'fastify';
import { listen } from './listen.ts';
import type { Registry } from './metrics.ts';
import type { Readiness } from './readiness.ts';

export interface AdminServer {
  /** For example `http://127.0.0.1:9101`. */
  address: string;
  close(): Promise<void>;
}

/**
 * Serves `/live` (200 as long as the process answers), `/ready` (200, or 503 with the reasons) and `/metrics`
 * (Prometheus text format). With port 0, the system chooses a free port.
 */
export async function startAdminServer(options: {
  host: string;
  port: number;
  registry: Registry;
  readiness: Readiness;
}): Promise<AdminServer> {
  const { registry, readiness } = options;
  const app = fastify({ forceCloseConnections: true });
  app.get('/live', () => ({ live: true }));
  app.get('/ready', (_request, reply) => {
    const { ready } = readiness;
    return reply.code(ready ? 200 : 503).send({ ready, reasons: readiness.reasons() });
  });
  app.get('/metrics', async (_request, reply) => {
    reply.header('content-type', registry.contentType);
    return registry.metrics();
  });
  const address = await listen(app, options.host, options.port);
  return { address, close: () => app.close() };
}
