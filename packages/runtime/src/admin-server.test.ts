import { afterEach, expect, it } from 'vitest';
import { type AdminServer, startAdminServer } from './admin-server.ts';
import { createRegistry } from './metrics.ts';
import { Readiness } from './readiness.ts';

let server: AdminServer | undefined;
afterEach(() => server?.close());

it('serves liveness, readiness with its reasons, and metrics, on the loopback address it names', async () => {
  const readiness = new Readiness();
  server = await startAdminServer({
    host: '127.0.0.1',
    port: 0,
    registry: createRegistry('test'),
    readiness,
  });
  expect(server.address).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  readiness.met('registry');
  readiness.unmet('kafka', 'no broker answers');
  const notReady = await fetch(`${server.address}/ready`);
  expect(notReady.status).toBe(503);
  expect(await notReady.json()).toEqual({ ready: false, reasons: { kafka: 'no broker answers' } });
  readiness.met('kafka');
  expect((await fetch(`${server.address}/ready`)).status).toBe(200);
  expect((await fetch(`${server.address}/live`)).status).toBe(200);
  const metrics = await fetch(`${server.address}/metrics`);
  expect(metrics.headers.get('content-type')).toContain('text/plain');
  expect(await metrics.text()).toContain('nodejs_eventloop_lag_seconds');
});
