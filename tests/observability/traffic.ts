import { randomUUID } from 'node:crypto';
import { AvroRegistry, loadStreams, streamNamed } from '@windrow/contracts';
import { Intake, KafkaBroker } from '@windrow/pipeline';

export interface Traffic {
  stop(): Promise<void>;
}

/**
 * Every half second: events that pass, one with a wrong value, an event that the producer refuses, a record that the enricher can't
 * decode, and one of another client with a wrong value, so that each service has something to count.
 * @throws (from `stop`) the first failure of a request.
 */
export async function startTraffic(
  producerUrl: string,
  brokers: string,
  registryUrl: string,
): Promise<Traffic> {
  // Another client doesn't know the contract's rules.
  const contract = { ...streamNamed(await loadStreams(), 'track'), rules: [] };
  const client = await Intake.open(contract, new AvroRegistry(registryUrl));
  const broker = new KafkaBroker({ brokers: brokers.split(','), clientId: 'traffic' });
  const producer = await broker.producer();
  const stopping = new AbortController();
  const running = run();
  running.catch(() => undefined); // told by `stop`

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      const batch = [event(), event(), { ...event(), context: { location: { latitude: 'north' } } }];
      await post('/v1/batch', { batch }, 200);
      await post('/v1/track', { event: 'Without a user' }, 400);
      await post('/v1/weather', observation(), 200);
      const broken = { key: 'broken', value: Buffer.from('not Avro') };
      const beyond = client.take({ ...event(), context: { location: { latitude: 91 } } }, { kind: 'file' });
      if (!beyond.ok) throw new Error(beyond.message);
      await producer.send([{ topic: client.topic, records: [broken, beyond.output] }]);
      await pause(stopping.signal);
    }
  }

  async function post(path: string, body: unknown, expected: number): Promise<void> {
    const response = await fetch(`${producerUrl}${path}`, { method: 'POST', body: JSON.stringify(body) });
    const text = await response.text();
    if (response.status !== expected) throw new Error(`POST ${path}: ${response.status} ${text}`);
  }

  return {
    async stop() {
      stopping.abort();
      await running.finally(() => producer.close().then(() => broker.close()));
    },
  };
}

function event(): Record<string, unknown> {
  return {
    type: 'track',
    event: 'Dashboard Watched',
    messageId: randomUUID(),
    anonymousId: randomUUID(),
    timestamp: new Date().toISOString(),
    context: { timezone: 'Europe/Zurich' },
  };
}

function observation(): Record<string, unknown> {
  return { city: 'Zurich', observed_at: new Date().toISOString(), temperature_c: 7.5 };
}

function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, 500);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
