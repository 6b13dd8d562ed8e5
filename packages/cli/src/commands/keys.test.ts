import { digestOf } from '@windrow/contracts';
import { applyInstallation } from '@windrow/operations';
import { beforeAll, expect, inject, test } from 'vitest';
import { createProgram } from '../program.ts';

const env = { ...inject('endpoints') };

beforeAll(async () => {
  await applyInstallation(env);
});

async function windrow(...args: string[]) {
  const [printed, noted]: [string[], string[]] = [[], []];
  const program = createProgram({
    ...{ env, stateDir: '/nowhere', signal: new AbortController().signal, interactive: false },
    print: (line) => printed.push(line),
    note: (line) => noted.push(line),
  });
  await program.parseAsync(args, { from: 'user' });
  return { printed: printed.join('\n'), noted: noted.join('\n') };
}

test('a key is printed alone and once; it is listed by what is known of it, also when it is revoked', async () => {
  const added = await windrow(
    ...['keys', 'add', '--source', 'keys-test', '--streams', 'track, weather'],
    ...['--rate', '2500.5', '--daily', '1000000'],
  );
  const key = added.printed;
  expect(key).toMatch(/^[\w-]{43}$/);
  expect(added.noted).not.toContain(key);
  const id = /write key (\w+) of keys-test/.exec(added.noted)?.[1] ?? '';

  const listed = await windrow('keys', 'list');
  const line = listed.printed.split('\n').find((each) => each.startsWith(id));
  expect(line).toMatch(
    /keys-test +\S{6}… +track, weather +2,500\.5 +1,000,000 +\d{4}-\d\d-\d\d \d\d:\d\d *$/,
  );
  expect(line).toContain(` ${key.slice(0, 6)}… `);

  const revoked = await windrow('keys', 'revoke', id);
  expect(revoked.printed).toMatch(new RegExp(`^write key ${id} of keys-test is revoked since 2`));
  const json = await windrow('keys', 'list', '--json');
  const record = (JSON.parse(json.printed) as { id: string }[]).find((each) => each.id === id);
  expect(record).toEqual({
    id,
    source: 'keys-test',
    prefix: key.slice(0, 6),
    streams: ['track', 'weather'],
    events_per_second: 2500.5,
    events_per_day: 1_000_000,
    created_at: expect.any(Number),
    revoked_at: expect.any(Number),
  });
  for (const { printed, noted } of [listed, revoked, json]) {
    expect(printed + noted).not.toContain(key);
    expect(printed + noted).not.toContain(digestOf(key).toString('hex'));
  }
});

test('with --json the key comes with its id', async () => {
  const { printed, noted } = await windrow('keys', 'add', '--source', 'keys-test', '--json');
  expect(JSON.parse(printed)).toMatchObject({
    key: expect.stringMatching(/^[\w-]{43}$/),
    id: expect.stringMatching(/^\w{12}$/),
    ...{ source: 'keys-test', streams: null, events_per_second: null, events_per_day: null },
  });
  expect(noted).toBe('');
});

test.each([
  [['add'], "required option '--source <name>'"],
  [['add', '--source', 'none'], 'not be "none"'],
  [['add', '--source', 'a b'], 'letters, digits'],
  [['add', '--source', 'web', '--rate', '0'], 'must be a positive number'],
  [['add', '--source', 'web', '--daily', '1.5'], 'must be a positive integer'],
  [['add', '--source', 'web', '--streams', 'track,'], 'list of streams'],
  [['add', '--source', 'web', '--streams', 'tarck'], 'there is no stream tarck'],
  [['revoke', 'nope'], 'there is no write key nope'],
])('windrow keys %j fails, and says why', async (args, reason) => {
  await expect(windrow('keys', ...args)).rejects.toThrow(reason);
});
