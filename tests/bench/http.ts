/**
 * Measures batches of 50 track messages over HTTP: the producer with real Kafka, and servers that do less. The load comes
 * from this process, on the same machine. KAFKA_BROKERS=… SCHEMA_REGISTRY_URL=… node tests/bench/http.ts [seconds]
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { AvroRegistry, loadStreams } from '@windrow/contracts';
import { applyStreams, KafkaBroker } from '@windrow/pipeline';
import { must } from '@windrow/runtime/testing';
import autocannon from 'autocannon';
import { ReportWriter } from './report.ts';

const seconds = Number(process.argv[2] ?? 10);
const batchEvents = 50;
const connections = 32;
/** Half of the target rate on two processors, 20,000 events/s. */
const steadyEventsPerSecond = 10_000;
const root = path.resolve(import.meta.dirname, '../..');

interface Subject {
  name: string;
  script: string;
  argument?: string;
}
const subjects: Subject[] = [
  { name: 'bare fastify', script: 'tests/bench/http-baseline.ts', argument: 'bare' },
  { name: 'fastify and Avro', script: 'tests/bench/http-baseline.ts', argument: 'avro' },
  { name: 'windrow producer', script: 'services/producer/src/main.ts' },
];

/** Messages as an SDK on a phone sends them, about 600 bytes each. */
function batch(): string {
  const now = Date.now();
  const messages = Array.from({ length: batchEvents }, (_, index) => ({
    type: 'track',
    event: index % 2 === 0 ? 'Ride Started' : 'Ride Ended',
    messageId: randomUUID(),
    anonymousId: randomUUID(),
    userId: `rider-${index * 7}`,
    timestamp: new Date(now - index * 1_000).toISOString(),
    properties: {
      price: 4.5,
      vehicle: 'scooter',
      battery: 87 - index,
      promotion: null,
      tags: ['city', 'evening'],
    },
    context: {
      timezone: 'Europe/Zurich',
      locale: 'de-CH',
      os: { name: 'iOS', version: '17.4' },
      device: { type: 'ios', model: 'iPhone15,2', manufacturer: 'Apple' },
      app: { name: 'Rides', version: '5.1.2', build: '512' },
      location: { city: 'Zurich', latitude: 47.3769, longitude: 8.5417 },
      library: { name: 'analytics-ios', version: '4.1.6' },
    },
  }));
  return JSON.stringify({ batch: messages, sentAt: new Date(now).toISOString() });
}

interface Server {
  url: string;
  /** The address at which the process serves its metrics. */
  metricsUrl: string;
  process: ChildProcess;
}

async function start({ script, argument }: Subject): Promise<Server> {
  const env = { ...process.env, ADMIN_PORT: '0', HTTP_PORT: '0', WRITE_KEYS: 'optional' };
  const args = [path.join(root, script), ...(argument ? [argument] : [])];
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  if (argument) {
    const [url] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    return { url, metricsUrl: url, process: child };
  }
  const addresses: Record<string, string> = {};
  for await (const text of createInterface({ input: child.stderr })) {
    const { msg, address } = JSON.parse(text) as { msg: string; address: string };
    addresses[msg] = address;
    if (msg === 'ready') break;
  }
  child.stderr.resume();
  return { url: must(addresses['taking events']), metricsUrl: must(addresses.listening), process: child };
}

async function usage({ metricsUrl }: Server): Promise<{ cpuSeconds: number; rssBytes: number }> {
  const metrics = await (await fetch(`${metricsUrl}/metrics`)).text();
  const given = (name: string) => Number(new RegExp(`^${name}\\{.*\\} (.+)$`, 'm').exec(metrics)?.[1]);
  return {
    cpuSeconds: given('process_cpu_seconds_total'),
    rssBytes: given('process_resident_memory_bytes'),
  };
}

interface Result {
  eventsPerSecond: number;
  cpuMicrosPerEvent: number;
  p50Ms: number;
  p99Ms: number;
  rssMb: number;
}

async function load(server: Server, eventsPerSecond?: number): Promise<Result> {
  const requests = Array.from({ length: 40 }, () => ({ body: batch() }));
  const before = await usage(server);
  const result = await autocannon({
    url: `${server.url}/v1/batch`,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    requests,
    connections,
    duration: seconds,
    ...(eventsPerSecond !== undefined && { overallRate: eventsPerSecond / batchEvents }),
  });
  const after = await usage(server);
  if (result.errors + result.timeouts + result.non2xx > 0)
    throw new Error(
      `${result.errors} errors, ${result.timeouts} time-outs, ${result.non2xx} answers other than 200`,
    );
  const events = result['2xx'] * batchEvents;
  return {
    eventsPerSecond: events / result.duration,
    cpuMicrosPerEvent: ((after.cpuSeconds - before.cpuSeconds) / events) * 1e6,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
    rssMb: after.rssBytes / 2 ** 20,
  };
}

const report = new ReportWriter({
  table: 'http',
  title: `The producer over HTTP, batches of ${batchEvents}, ${Math.round(batch().length / 1024)} KB each, ${connections} connections, ${seconds} s`,
  columns: [
    { name: 'server, load' },
    { name: 'events/s' },
    { name: 'of bare', digits: 2 },
    { name: 'p50', unit: 'ms' },
    { name: 'p99', unit: 'ms' },
    { name: 'CPU-µs/event', digits: 1 },
    { name: '× bare', digits: 1 },
    { name: 'RSS', unit: 'MiB' },
  ],
});

function add(name: string, result: Result, bare?: Result): void {
  const { eventsPerSecond, cpuMicrosPerEvent, p50Ms, p99Ms, rssMb } = result;
  const ofBare = bare ? eventsPerSecond / bare.eventsPerSecond : null;
  const timesBare = bare ? cpuMicrosPerEvent / bare.cpuMicrosPerEvent : null;
  report.add([name, eventsPerSecond, ofBare, p50Ms, p99Ms, cpuMicrosPerEvent, timesBare, rssMb]);
}

const broker = new KafkaBroker({ brokers: (process.env.KAFKA_BROKERS ?? '').split(','), clientId: 'bench' });
const registry = new AvroRegistry(process.env.SCHEMA_REGISTRY_URL ?? '');
await applyStreams(await loadStreams(), { broker, registry, partitions: 4 });
await broker.close();

let bare: Result | undefined;
for (const subject of subjects) {
  const server = await start(subject);
  try {
    // The first requests warm up the code.
    await load(server, steadyEventsPerSecond);
    const result = await load(server);
    add(`${subject.name}, all that it takes`, result, bare);
    bare ??= result;
    add(`${subject.name}, ${steadyEventsPerSecond}/s`, await load(server, steadyEventsPerSecond));
  } finally {
    server.process.kill('SIGTERM');
    await once(server.process, 'close');
  }
}
report.note('The load comes from the same machine, and takes its share of the processors.');
report.close();
