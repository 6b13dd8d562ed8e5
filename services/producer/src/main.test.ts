import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { AvroRegistry, loadStreams } from '@windrow/contracts';
import { KeyStore } from '@windrow/operations/keys';
import { applyStreams, KafkaBroker } from '@windrow/pipeline';
import { ownStream, stackConfig } from '@windrow/pipeline/testing';
import { loadConfig } from '@windrow/runtime';
import { afterEach, beforeAll, expect, inject, it } from 'vitest';
import { basic } from '../fixtures/instance.ts';

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

/** Starts the service. @returns the addresses that it logs, and its exit code */
function start(brokers: string, settings: Record<string, string> = {}) {
  const started = spawn(process.execPath, [main], {
    env: {
      KAFKA_BROKERS: brokers,
      SCHEMA_REGISTRY_URL: endpoints.SCHEMA_REGISTRY_URL,
      ADMIN_PORT: '0',
      HTTP_PORT: '0',
      ...settings,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  child = started;
  const lines = createInterface({ input: started.stderr });
  const log: string[] = [];
  lines.on('line', (line) => log.push(line));
  const logged = (pattern: RegExp) =>
    new Promise<{ address: string }>((resolve) => {
      lines.on('line', (text) => {
        const line = JSON.parse(text) as { msg: string; address: string };
        if (pattern.test(line.msg)) resolve(line);
      });
    });
  return {
    /** Everything that it has logged so far. */
    log,
    listening: logged(/^listening$/),
    ready: logged(/^ready$/),
    takingEvents: logged(/^taking events$/),
    connectionRefused: logged(/ECONNREFUSED/),
    exit: new Promise<number | null>((resolve) => started.once('exit', resolve)),
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
  child?.kill('SIGTERM');
  expect(await service.exit).toBe(0);
});

it('asks for write keys unless it is told otherwise, and logs and shows none', async () => {
  const broker = new KafkaBroker({ brokers: endpoints.KAFKA_BROKERS, clientId: 'main-test' });
  const registry = new AvroRegistry(endpoints.SCHEMA_REGISTRY_URL);
  // The process uses the streams' own topics, which other tests may have created already.
  await applyStreams(await loadStreams(), { broker, registry, partitions: 4 });
  const { key } = await new KeyStore({ broker, registry }).add({
    ...{ source: 'main-test', streams: null, events_per_second: null, events_per_day: 1 },
  });
  await broker.close();
  const service = start(endpoints.KAFKA_BROKERS.join(','), { LOG_LEVEL: 'trace' });
  const [admin, http] = [await service.listening, await service.takingEvents];
  const answers: string[] = [];
  const post = async (body: string, headers: Record<string, string> = {}): Promise<number> => {
    const response = await fetch(`${http.address}/v1/track`, { method: 'POST', body, headers });
    answers.push(await response.text());
    // Kafka was too slow: the response asks to send the request again.
    return response.status === 503 ? post(body, headers) : response.status;
  };
  const wrong = 'wrong-key-of-nobody';
  const event = { event: 'E', messageId: randomUUID(), userId: 'u' };
  expect(await post(JSON.stringify(event))).toBe(401);
  expect(await post(JSON.stringify(event), basic(wrong))).toBe(401);
  expect(await post(JSON.stringify({ ...event, writeKey: wrong }))).toBe(401);
  expect(await post(JSON.stringify({ ...event, writeKey: key }))).toBe(200);
  expect(await post(JSON.stringify(event), basic(key))).toBe(429);
  expect(await post(`{"writeKey": "${key}"`, basic(key))).toBe(429);
  expect(await post('', { ...basic(key), 'content-encoding': 'br' })).toBe(415);
  answers.push(await (await fetch(`${admin.address}/metrics`)).text());
  child?.kill('SIGTERM');
  expect(await service.exit).toBe(0);
  expect(service.log.join('\n')).toContain('taking events');
  for (const text of [...service.log, ...answers]) {
    for (const secret of [key, wrong]) {
      expect(text).not.toContain(secret);
      expect(text).not.toContain(Buffer.from(`${secret}:`).toString('base64'));
    }
  }
});

it('is alive but not ready without Kafka, and can be stopped then', async () => {
  const service = start('127.0.0.1:9');
  const { address } = await service.listening;
  await service.connectionRefused;
  expect((await fetch(`${address}/live`)).status).toBe(200);
  const ready = await fetch(`${address}/ready`);
  expect(ready.status).toBe(503);
  expect(await ready.json()).toMatchObject({ ready: false, reasons: { kafka: 'not connected yet' } });
  child?.kill('SIGTERM');
  expect(await service.exit).toBe(0);
});
