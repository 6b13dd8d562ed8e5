import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import { AvroRegistry, type StreamContract } from '@windrow/contracts';
import { KafkaBroker } from '@windrow/pipeline';
import { deadLettersWhere, ownStream, recordsOf, stackConfig } from '@windrow/pipeline/testing';
import { loadConfig } from '@windrow/runtime';
import { must } from '@windrow/runtime/testing';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type LoadProgress, loadFiles } from './load-files.ts';
import { namedFiles } from './local-file.ts';

const endpoints = loadConfig(stackConfig, inject('endpoints'));
const registry = new AvroRegistry(endpoints.SCHEMA_REGISTRY_URL);
const examples = fileURLToPath(new URL('../../../../examples/', import.meta.url));
const dir = mkdtempSync(join(tmpdir(), 'windrow-load-'));
let broker: KafkaBroker;

beforeAll(() => {
  broker = new KafkaBroker({ brokers: endpoints.KAFKA_BROKERS, clientId: 'load-test' });
});
afterAll(async () => {
  await broker.close();
  rmSync(dir, { recursive: true });
});

function file(name: string, content: Buffer | string): string {
  const path = join(dir, name);
  writeFileSync(path, content);
  return path;
}

const load = async (stream: StreamContract, files: string[], more: object = {}) => {
  const groups = (await namedFiles(files)).map((file) => [file]);
  return loadFiles({ stream, groups, concurrency: 1, broker, registry, ...more });
};

describe('loadFiles', () => {
  it('loads a month of flights with their own times and ids, and the same ids again', async () => {
    const stream = await ownStream(broker, 'track', 3);
    const path = join(examples, 'flights-2013-01/track_events.jsonl.gz');
    const progress: LoadProgress[] = [];
    const result = await load(stream, [path], { onProgress: (p: LoadProgress) => progress.push(p) });
    expect(result).toMatchObject({ read: 27_004, sent: 27_004, rejected: 0, interrupted: false });
    expect(result.perFile).toMatchObject([{ file: path, sent: 27_004, complete: true }]);
    expect(progress.at(-1)).toMatchObject({ bytesRead: 1_260_889, totalBytes: 1_260_889, sent: 27_004 });
    await load(stream, [path]);
    const records = await recordsOf(broker, registry, stream);
    expect(records).toHaveLength(2 * 27_004);
    expect(new Set(records.map((record) => record.event_id)).size).toBe(27_004);
    expect(records[0]).toMatchObject({ type: 'track', event_name: 'Flight Departed' });
    expect(records.find(({ event_id }) => event_id === 'b8209d59-5c17-5f22-93f2-dd0a383d384b')).toMatchObject(
      {
        occurred_at: Date.parse('2013-01-01T10:15:00.000Z'),
        city: 'EWR',
      },
    );
  });

  it('loses nothing of the flattened export, and gives its events ids of their content', async () => {
    const stream = await ownStream(broker, 'track', 2);
    const path = join(examples, 'flattened-export/track_events.json');
    const lines = readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('{'));
    const result = await load(stream, [path]);
    expect(result.read).toBe(lines.length);
    expect(result.sent + result.rejected).toBe(lines.length);
    const first = await recordsOf(broker, registry, stream);
    await load(stream, [path]);
    const both = await recordsOf(broker, registry, stream);
    expect(both).toHaveLength(2 * first.length);
    const ids = (records: typeof both) => new Set(records.map((record) => record.event_id));
    expect(ids(both)).toEqual(ids(first));
    expect(first.every((record) => (record.received_at as number) < Date.parse('2020-01-01'))).toBe(true);
  });

  it('makes dead letters that name file and line, with the bytes as they were, and sends the rest', async () => {
    const stream = await ownStream(broker, 'weather', 2);
    const good = (hour: number) =>
      `{"city":"Oslo","observed_at":"2020-01-01T${String(hour).padStart(2, '0')}:00:00Z","temperature_c":1}`;
    const bad = [
      '{"city":"Oslo","obs',
      '{"city":"Oslo","observed_at":"2020-02-30","temperature_c":1}',
      '[1]',
    ];
    const path = file(
      `${randomUUID()}.jsonl.gz`,
      gzipSync([good(1), bad[0], good(2), bad[1], bad[2], good(3)].join('\n')),
    );
    const result = await load(stream, [path]);
    expect(result).toMatchObject({ read: 6, sent: 3, rejected: 3 });
    expect(result.perFile[0]?.reasons).toEqual({ not_json: 1, observed_at_invalid: 1, not_an_object: 1 });
    const letters = await deadLettersWhere(broker, registry, ({ headers }) => headers.file === path);
    expect(letters.sort((a, b) => Number(a.headers.line) - Number(b.headers.line))).toMatchObject([
      {
        reason: 'not_json',
        value: Buffer.from(bad[0] ?? ''),
        headers: { line: '2' },
        stage: 'load',
        service: 'producer',
      },
      {
        reason: 'observed_at_invalid',
        value: Buffer.from(bad[1] ?? ''),
        headers: { line: '4' },
        stream: 'weather',
      },
      { reason: 'not_an_object', value: Buffer.from('[1]'), headers: { line: '5' } },
    ]);
    expect(letters[0]?.message).toMatch(`${path}, line 2: `);
  });

  it('keeps the digits of numbers, and replaces and counts texts that no store can hold', async () => {
    const stream = await ownStream(broker, 'track', 1);
    const message = (more: string) => `{"event":"N","timestamp":"2026-11-28T09:00:00Z",${more}}`;
    const ids = ['1329057093467865088', '1329057093467865089', '1329057093467865090'];
    const messages = [
      ...ids.map((id) => message(`"messageId":${id},"userId":157963456373623803,"properties":{"n":1.10}`)),
      message('"messageId":"s-\\ud800","userId":"\\u0000"'),
      message('"messageId":"s-\\ud801","userId":"u"'),
    ];
    const elements = `[\n${messages.map((text) => text.replaceAll(',"', ',\n  "')).join(',\n')}\n]`;
    const paths = [file('numbers.jsonl', messages.join('\n')), file('numbers.json', elements)];
    const results = await Promise.all(paths.map((path) => load(stream, [path])));
    for (const { sent, perFile } of results)
      expect([sent, perFile[0]?.warnings]).toEqual([5, { replaced_text: 2 }]);
    const records = await recordsOf(broker, registry, stream);
    expect(new Set(records.map(({ event_id }) => event_id))).toEqual(
      new Set([...ids, 's-\ufffdd800', 's-\ufffdd801']),
    );
    expect(records.filter(({ user_id }) => user_id === '\ufffd')).toHaveLength(2);
    const numeric = records.filter(({ user_id }) => user_id === '157963456373623803');
    expect(numeric.map(({ properties }) => properties)).toEqual(new Array(6).fill('{"n":1.10}'));
  });

  it('rejects what is nested more than 64 levels deep, and nothing beside it', async () => {
    const stream = await ownStream(broker, 'track', 1);
    const nested = (depth: number) =>
      `{"event":"N","userId":"u","timestamp":"2026-11-28T09:00:00Z","properties":${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}}`;
    for (const lines of [[nested(63), nested(64), nested(5_000), nested(1)]]) {
      const result = await load(stream, [file('deep.json', `[${lines.join(',')}]`)]);
      expect(result).toMatchObject({ read: 4, sent: 2, perFile: [{ reasons: { too_deep: 2 } }] });
    }
  });

  it('keeps the order of a key, so that a later correction is the one that stays', async () => {
    const stream = await ownStream(broker, 'weather', 3);
    const lines = Array.from(
      { length: 20_000 },
      (_, i) =>
        `{"city":"City ${i % 7}","observed_at":"2020-01-01T00:00:00Z","temperature_c":${Math.floor(i / 7) / 100}}`,
    );
    await load(stream, [file('corrections.jsonl', lines.join('\n'))]);
    const records = await recordsOf(broker, registry, stream);
    expect(records).toHaveLength(20_000);
    const last = new Map<unknown, number>();
    for (const { city, temperature_c } of records) {
      expect(temperature_c).toBeGreaterThan(last.get(city) ?? -1);
      last.set(city, temperature_c as number);
    }
  });

  it('sends records larger than one call, and makes a dead letter of one that Kafka could not take', async () => {
    const stream = await ownStream(broker, 'track', 1);
    const event = (id: string, bytes: number) =>
      JSON.stringify({
        type: 'track',
        event: 'E',
        messageId: id,
        userId: 'u',
        timestamp: 1_700_000_000_000,
        properties: { x: 'x'.repeat(bytes) },
      });
    const prefix = randomUUID();
    const sizes = [10, 800_000, 700_000, 1_010_000, 800_000, 10];
    const path = file(`${prefix}.jsonl`, sizes.map((bytes, i) => event(`${i}`, bytes)).join('\n'));
    const result = await load(stream, [path]);
    expect(result).toMatchObject({ sent: 5, rejected: 1 });
    expect(result.perFile[0]?.reasons).toEqual({ too_large: 1 });
    const [letter] = await deadLettersWhere(broker, registry, ({ headers }) => headers.file === path);
    expect(letter?.headers).toMatchObject({
      line: '4',
      truncated_from: String(event('3', 1_010_000).length),
    });
  });

  it('sends nothing when one of the files is missing, or the topics are', async () => {
    const stream = await ownStream(broker, 'weather', 1);
    const good = join(examples, 'flattened-export/weather.json');
    await expect(load(stream, [good, join(dir, 'none.json')])).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
    });
    expect(await recordsOf(broker, registry, stream)).toEqual([]);
    const raw = { ...stream.topics.raw, name: `${randomUUID()}.raw` };
    await expect(load({ ...stream, topics: { raw } }, [good])).rejects.toMatchObject({
      code: 'TOPIC_MISSING',
      message: expect.stringContaining(raw.name),
    });
  });

  it('sends what it could read of a file that is cut off, says how far it came, and goes on with the others', async () => {
    const stream = await ownStream(broker, 'track', 1);
    const zipped = readFileSync(join(examples, 'flights-2013-01/track_events.jsonl.gz'));
    const path = file('cut.jsonl.gz', zipped.subarray(0, zipped.length / 2));
    const after = file('after.jsonl', '{"type":"track","event":"E","userId":"u","timestamp":1700000000000}');
    const { perFile, sent } = await load(stream, [path, after]);
    expect(perFile).toMatchObject([{ complete: false }, { complete: true, sent: 1 }]);
    const [, said] = must(
      /cut\.jsonl\.gz can't be read to its end: .* (\d+) events before that were sent/.exec(
        perFile[0]?.failure ?? '',
      ) ?? undefined,
    );
    expect(Number(said)).toBeGreaterThan(10_000);
    expect(sent).toBe(Number(said) + 1);
    expect(await recordsOf(broker, registry, stream)).toHaveLength(sent);
  });

  it('stops where the signal says so, and says how far it came', async () => {
    const stream = await ownStream(broker, 'track', 1);
    const events = gunzipSync(readFileSync(join(examples, 'flights-2013-01/track_events.jsonl.gz')));
    const path = file('many.jsonl', Buffer.concat([events, events]));
    const stop = new AbortController();
    const onProgress = ({ read }: LoadProgress) => {
      if (read > 5_000) stop.abort();
    };
    const result = await load(stream, [path, path], { signal: stop.signal, onProgress });
    expect(result.interrupted).toBe(true);
    expect(result.sent).toBe(result.read);
    expect(result.sent).toBeLessThan(2 * 27_004);
    expect(result.perFile).toMatchObject([{ complete: false }]);
    expect(await recordsOf(broker, registry, stream)).toHaveLength(result.sent);
  });
});
