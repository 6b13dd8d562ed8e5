import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { KafkaBroker } from '@windrow/pipeline';
import { loadConfig } from '@windrow/runtime';
import { afterEach, beforeAll, expect, inject, it } from 'vitest';
import { ownStream, stackConfig } from '../fixtures/topics.ts';

const endpoints = loadConfig(stackConfig, inject('endpoints'));
const main = fileURLToPath(new URL('./main.ts', import.meta.url));
let child: ChildProcess | undefined;

beforeAll(async () => {
  const broker = new KafkaBroker({ brokers: endpoints.KAFKA_BROKERS, clientId: 'main-test' });
  await ownStream(broker, 'weather', 1);
  await broker.close();
});
afterEach(() => {
  child?.kill('SIGKILL');
});

/** Starts the service; gives the addresses it logs and its exit code. */
function start(brokers: string, settings: Record<string, string> = {}) {
  child = spawn(process.execPath, [main], {
    env: {
      KAFKA_BROKERS: brokers,
      SCHEMA_REGISTRY_URL: endpoints.SCHEMA_REGISTRY_URL,
      ADMIN_PORT: '0',
      HTTP_PORT: '0',
      ...settings,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const lines = createInterface({ input: child.stderr! });
  const logged = (pattern: RegExp) =>
    new Promise<{ address: string }>((resolve) => {
      lines.on('line', (text) => {
        const line = JSON.parse(text) as { msg: string; address: string };
        if (pattern.test(line.msg)) resolve(line);
      });
    });
  return {
    listening: logged(/^listening$/),
    ready: logged(/^ready$/),
    takingEvents: logged(/^taking events$/),
    connectionRefused: logged(/ECONNREFUSED/),
    exit: new Promise<number | null>((resolve) => child?.once('exit', resolve)),
  };
}

it('serves the routes of the contracts, says that it is ready, and stops on SIGTERM', async () => {
  const service = start(endpoints.KAFKA_BROKERS.join(','), { WRITE_KEYS: 'optional' });
  const [admin, http] = [await service.listening, await service.takingEvents];
  await service.ready;
  expect((await fetch(`${admin.address}/ready`)).status).toBe(200);
  for (const path of ['/v1/track', '/v1/batch', '/v1/weather']) {
    const response = await fetch(`${http.address}${path}`, { method: 'POST', body: '{"type":' });
    expect(response.status, path).toBe(400);
  }
  expect((await fetch(`${http.address}/v1/other`, { method: 'POST', body: '{}' })).status).toBe(404);
  const metrics = await (await fetch(`${admin.address}/metrics`)).text();
  expect(metrics).toContain(
    'windrow_http_requests_total{route="/v1/track",status="400",service="producer"} 1',
  );
  child!.kill('SIGTERM');
  expect(await service.exit).toBe(0);
});

it('is alive but not ready without Kafka, and can be stopped then', async () => {
  const service = start('127.0.0.1:9');
  const { address } = await service.listening;
  await service.connectionRefused;
  expect((await fetch(`${address}/live`)).status).toBe(200);
  const ready = await fetch(`${address}/ready`);
  expect(ready.status).toBe(503);
  expect(await ready.json()).toMatchObject({ ready: false, reasons: { kafka: 'not connected yet' } });
  child!.kill('SIGTERM');
  expect(await service.exit).toBe(0);
});
