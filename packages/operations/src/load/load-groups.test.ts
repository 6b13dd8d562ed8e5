import { randomUUID } from 'node:crypto';
import { AvroRegistry, type StreamContract } from '@windrow/contracts';
import { KafkaBroker } from '@windrow/pipeline';
import { ownStream, recordsOf, stackConfig } from '@windrow/pipeline/testing';
import { loadConfig, WindrowError } from '@windrow/runtime';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { LoadFile } from './load-file.ts';
import { type LoadOptions, type LoadProgress, loadFiles } from './load-files.ts';

const endpoints = loadConfig(stackConfig, inject('endpoints'));
const registry = new AvroRegistry(endpoints.SCHEMA_REGISTRY_URL);
let broker: KafkaBroker;
let stream: StreamContract;

beforeAll(async () => {
  broker = new KafkaBroker({ brokers: endpoints.KAFKA_BROKERS, clientId: 'load-groups-test' });
  stream = await ownStream(broker, 'weather', 3);
});
afterAll(() => broker.close());

const observation = (city: string, temperature: number) =>
  `{"city":"${city}","observed_at":"2020-01-01T00:00:00Z","temperature_c":${temperature}}\n`;
const observations = (city: string, count: number) =>
  Array.from({ length: count }, (_, n) => observation(city, n / 1_000)).join('');

/** `before`: what happens when it is opened. */
function file(url: string, content: string, before: () => Promise<void> | void = () => undefined): LoadFile {
  return {
    ...{ name: url, sizeBytes: content.length, remembered: { url, version: '1' } },
    async *bytes() {
      await before();
      const bytes = Buffer.from(content);
      for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
    },
  };
}

const load = (groups: LoadFile[][], more: Partial<LoadOptions> = {}) =>
  loadFiles({ stream, groups, concurrency: 4, broker, registry, ...more });

/** City → its temperatures, in their order. */
async function temperatures(): Promise<Map<unknown, unknown[]>> {
  const records = await recordsOf(broker, registry, stream);
  return new Map(
    [...Map.groupBy(records, ({ city }) => city)].map(([city, of]) => [
      city,
      of.map(({ temperature_c }) => temperature_c),
    ]),
  );
}

describe('loadFiles, of groups', () => {
  it('loads as many files at once as it may, and keeps the order within each', async () => {
    const of = randomUUID();
    const together = Promise.withResolvers<void>();
    let [open, most] = [0, 0];
    const files = Array.from({ length: 9 }, (_, n) =>
      file(`test://${of}/${n}`, observations(`${of}-${n}`, 2_500), async () => {
        open += 1;
        most = Math.max(most, open);
        // The first ones wait for each other.
        if (most === 3) together.resolve();
        await together.promise;
      }),
    );
    const progress: LoadProgress[] = [];
    const ending = files.map((each) => ({
      ...each,
      async *bytes(signal: AbortSignal) {
        yield* each.bytes(signal);
        open -= 1;
      },
    }));
    const result = await load([ending], { concurrency: 3, onProgress: (of) => progress.push(of) });
    expect(most).toBe(3);
    expect(result).toMatchObject({ files: 9, sent: 9 * 2_500 });
    const totalBytes = files.reduce((sum, { sizeBytes }) => sum + (sizeBytes ?? Number.NaN), 0);
    expect(progress.at(-1)).toMatchObject({
      filesDone: 9,
      files: 9,
      bytesRead: totalBytes,
      totalBytes,
      sent: 22_500,
    });
    const inOrder = Array.from({ length: 2_500 }, (_, n) => n / 1_000);
    const byCity = await temperatures();
    for (let n = 0; n < 9; n++) expect(byCity.get(`${of}-${n}`)).toEqual(inOrder);
  });

  it('takes one group after the other, and passes over what has been loaded meanwhile', async () => {
    const of = randomUUID();
    const second = file(`test://${of}/b`, observations(`${of}-b`, 10));
    const first = file(`test://${of}/a`, observations(`${of}-a`, 10), async () => {
      // Somebody else, on another machine.
      expect(await load([[second]])).toMatchObject({ sent: 10, alreadyLoaded: 0 });
    });
    const progress: LoadProgress[] = [];
    const result = await load([[first], [second], [first]], { onProgress: (of) => progress.push(of) });
    expect(result).toMatchObject({ files: 3, sent: 10, alreadyLoaded: 2 });
    expect(progress.at(-1)).toMatchObject({ totalBytes: first.sizeBytes, bytesRead: first.sizeBytes });
    expect((await temperatures()).get(`${of}-b`)).toHaveLength(10);
    const other = { ...second, remembered: { ...(second.remembered ?? { url: '' }), version: '2' } };
    expect(await load([[other]])).toMatchObject({ sent: 10, alreadyLoaded: 0 });
  });

  it('stopped, remembers how far each file came, and goes on there', async () => {
    const of = randomUUID();
    const stop = new AbortController();
    const names = ['a', 'b', 'c'];
    const files = names.map((name) => file(`test://${of}/${name}`, observations(`${of}-${name}`, 30_000)));
    const onProgress = ({ read }: LoadProgress) => read > 20_000 && stop.abort();
    const cut = await load([files], { concurrency: 2, signal: stop.signal, onProgress });
    expect(cut).toMatchObject({ interrupted: true });
    expect(cut.sent).toBe(cut.read);
    expect(cut.perFile).toMatchObject([{ complete: false }, { complete: false }]);
    const rest = await load([files], { concurrency: 2 });
    expect(rest).toMatchObject({ interrupted: false, sent: 90_000 - cut.sent });
    expect(rest.perFile[0]?.startedAt).toBe(cut.perFile[0]?.sent);
    const inOrder = Array.from({ length: 30_000 }, (_, n) => n / 1_000);
    const byCity = await temperatures();
    // Nothing is missing, and after a stop nothing is repeated.
    for (const name of names) expect(byCity.get(`${of}-${name}`)).toEqual(inOrder);
  });

  it('ends where the place of the files is away; what came before it was sent is known', async () => {
    const of = randomUUID();
    const away = new WindrowError('S3_FAILED', 'away', { retriable: true });
    const good = file(`test://${of}/good`, observations(`${of}-good`, 10));
    const text = observations(`${of}-bad`, 25_500);
    const bad: LoadFile = {
      ...file(`test://${of}/bad`, text),
      async *bytes() {
        yield Buffer.from(text);
        throw away;
      },
    };
    await expect(load([[bad, good]], { concurrency: 1 })).rejects.toBe(away);
    const byCity = await temperatures();
    expect(byCity.get(`${of}-good`)).toBeUndefined();
    const sent = byCity.get(`${of}-bad`)?.length ?? 0;
    expect(sent).toBe(25_500);
    const whole = { ...bad, bytes: file('', text).bytes };
    expect(await load([[whole, good]])).toMatchObject({ sent: 10 });
  });
});
