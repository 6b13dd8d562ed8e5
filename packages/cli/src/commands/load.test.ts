import { randomUUID } from 'node:crypto';
import { readFileSync, rmSync, symlinkSync, utimesSync } from 'node:fs';
import path from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { createTestBucket } from '@windrow/lake/testing';
import type { LoadResult } from '@windrow/operations/load';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import { exitCodeOf } from '../failure.ts';
import { all, directoryOf, LoadTopics, lines, loadTrack, putFile } from '../load/fixtures/track-loads.ts';

// The command, on the stack's Kafka and S3; other tests may send to the same topic, so each event's id begins with its test's own.

const env = { ...inject('endpoints') };
let topics: LoadTopics;

beforeAll(async () => {
  topics = await LoadTopics.open(env);
});
afterAll(() => topics?.close());

const windrow = (...args: string[]) => loadTrack(env, ...args);

async function loaded(...args: string[]): Promise<LoadResult> {
  const { printed, failure } = await windrow('--json', ...args);
  if (failure) throw failure;
  return JSON.parse(printed) as LoadResult;
}

function directory(files: Record<string, string | Buffer>): string {
  const dir = directoryOf(files);
  onTestFinished(() => rmSync(dir, { recursive: true }));
  return dir;
}

describe('windrow load of directories and prefixes', () => {
  test('a directory by date: what can be read of it, once; then only what is new or has changed', async () => {
    const of = randomUUID();
    const dir = directory({
      'date=2013-01-01/a.jsonl': lines(`${of}-a`, 30),
      'date=2013-01-01/b.ndjson.gz': gzipSync(lines(`${of}-b`, 20)),
      'date=2013-01-02/c.json': `[${lines(`${of}-c`, 10).replaceAll('\n', ',')}]`,
      'date=2013-01-02/empty.csv': '',
      'date=2013-01-02/_SUCCESS': '',
      'date=2013-01-02/.hidden.jsonl': lines(`${of}-hidden`, 5),
      '_temporary/d.jsonl': lines(`${of}-hidden`, 5),
      'README.md': 'What is here',
    });
    const first = await windrow(dir);
    expect(first.failure).toBeUndefined();
    expect(first.printed).toMatch(/^track: 60 read, 60 sent, 0 dead letters in .*\n4 of 4 files loaded$/);
    expect(first.noted).toBe(
      `${dir}: 1 files left out that are not .json, .jsonl, .ndjson, .geojson, .csv, .tsv, .parquet or .avro, nor text with .gz or .zst, as README.md`,
    );
    const expected = all([`${of}-a`, 30], [`${of}-b`, 20], [`${of}-c`, 10]);
    expect((await topics.idsOf(of)).sort()).toEqual(expected);

    // The same directory by another path.
    symlinkSync(dir, `${dir}-link`);
    onTestFinished(() => rmSync(`${dir}-link`));
    const second = await windrow(`${dir}-link`);
    expect(second.printed).toMatch(/^track: 0 read, 0 sent, .*\n0 of 4 files loaded\n4 files already loaded/);

    putFile(dir, 'date=2013-01-01/a.jsonl', lines(`${of}-a`, 31));
    putFile(dir, 'date=2013-01-03/e.jsonl', lines(`${of}-e`, 1));
    // A file with the same bytes that was written again.
    utimesSync(path.join(dir, 'date=2013-01-02/c.json'), 1, 1);
    const third = await loaded(dir);
    expect(third).toMatchObject({ files: 5, alreadyLoaded: 2, sent: 31 + 10 + 1 });
    expect(third.perFile.map(({ file }) => path.relative(dir, file))).toEqual([
      'date=2013-01-01/a.jsonl',
      'date=2013-01-02/c.json',
      'date=2013-01-03/e.jsonl',
    ]);
    expect(await loaded('--again', dir)).toMatchObject({ alreadyLoaded: 0, sent: 62 });
    expect(new Set(await topics.idsOf(of)).size).toBe(62);
    // A file that is named directly is always loaded, and the load does not record it.
    const named = path.join(dir, 'date=2013-01-03/e.jsonl');
    expect(await loaded(named, dir, named)).toMatchObject({ files: 7, alreadyLoaded: 5, sent: 2 });
  });

  test('the same in S3, where an ETag says what has changed', async () => {
    const { store, options } = await createTestBucket(env);
    onTestFinished(() => store.close());
    const of = randomUUID();
    const s3Put = (key: string, content: string | Buffer) => store.put(key, Buffer.from(content));
    await s3Put('track/2013/01/01/00/a.jsonl', lines(`${of}-a`, 30));
    await s3Put('track/2013/01/02/b.jsonl.gz', gzipSync(lines(`${of}-b`, 20_000)));
    await s3Put('track/2013/01/02/', '');
    await s3Put('track/_delta_log/0.json', '{}');
    await s3Put('track-old/2013/01/01/x.jsonl', lines(`${of}-x`, 5));
    const url = `s3://${options.bucket}/track`;
    expect(await loaded(url)).toMatchObject({ files: 2, alreadyLoaded: 0, sent: 20_030, rejected: 0 });
    expect((await topics.idsOf(of)).sort()).toEqual(all([`${of}-a`, 30], [`${of}-b`, 20_000]));
    expect((await windrow(`${url}/`)).printed).toContain('2 files already loaded');
    await s3Put('track/2013/01/01/00/a.jsonl', lines(`${of}-A`, 30));
    expect(await loaded(url)).toMatchObject({ alreadyLoaded: 1, sent: 30 });
    expect(await loaded(url, '--again', '--from', '2013-01-02')).toMatchObject({ files: 1, sent: 20_000 });
    expect(await loaded(`${url}/2013/01/01/00/a.jsonl`)).toMatchObject({ files: 1, sent: 30 });

    const { failure } = await windrow(`s3://${options.bucket}/tracks`);
    expect(failure).toMatchObject({
      code: 'FILE_UNREADABLE',
      message: expect.stringContaining('has no file'),
    });
    const { failure: nowhere } = await windrow('s3://windrow-nowhere/x');
    expect(nowhere).toMatchObject({ code: 'S3_FAILED', message: expect.stringContaining('NoSuchBucket') });
  });

  test('times without an offset are in the zone of --timezone, and doubtful ones are counted', async () => {
    const of = randomUUID();
    const times = ['2024-03-31 02:30:00', '2024-03-31 12:00:00', '2024-03-31T02:30:00Z', 1_711_850_400];
    const content = times.map((timestamp, n) =>
      JSON.stringify({ event: 'A', userId: 'u', messageId: `${of}-${n}`, timestamp }),
    );
    const dir = directory({ 'local.jsonl': content.join('\n') });
    const zurich = await windrow(dir, '--timezone', 'Europe/Zurich');
    expect(zurich.printed).toContain('warning local_time_skipped: 1 events');
    expect(zurich.printed).toContain('warning time_unit_guessed: 1 events');
    expect((await windrow(dir, '--again')).printed).not.toContain('local_time');
    expect((await windrow(dir, '--timezone', 'Europe/Zuerich')).failure?.message).toMatch(/IANA time zone/);
  });

  test('days are chosen by the names of directories; a file without a day is an error, and nothing is sent', async () => {
    const of = randomUUID();
    const dir = directory({
      'date=2013-01-30/a.jsonl': lines(`${of}-a`, 1),
      'date=2013-01-31/hour=05/b.jsonl': lines(`${of}-b`, 1),
      '2013/02/01/c.jsonl': lines(`${of}-c`, 1),
      'more/2013/02/02/07/d.jsonl': lines(`${of}-d`, 1),
    });
    expect(await loaded(dir, '--from', '2013-01-31', '--to', '2013-02-02')).toMatchObject({
      files: 2,
      sent: 2,
    });
    expect((await topics.idsOf(of)).sort()).toEqual([`${of}-b-0`, `${of}-c-0`]);
    expect(await loaded(dir, '--to', '2013-01-31')).toMatchObject({ files: 1, sent: 1 });
    expect(await loaded(dir, '--from', '2013-02-01')).toMatchObject({ files: 2, alreadyLoaded: 1, sent: 1 });
    const none = await windrow(dir, '--from', '2014-01-01');
    expect(none).toMatchObject({ failure: undefined, noted: `${dir}: no file of these dates` });

    putFile(dir, 'date=2013-02-30/z.jsonl', lines(`${of}-z`, 1));
    const { failure } = await windrow(dir, '--again', '--from', '2013-01-01');
    expect(failure).toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('date=2013-02-30/z.jsonl'),
    });
    expect(await topics.idsOf(of)).toHaveLength(4);
    for (const [args, message] of [
      [[dir, '--from', '2013-02-30'], /It must be a date/],
      [[dir, '--from', '2013-02-02', '--to', '2013-02-02'], /the first day left out/],
      [[path.join(dir, '2013/02/01/c.jsonl'), '--to', '2013-02-02'], /is a file/],
      [[dir, '--concurrency', '0'], /from 1 to 16/],
    ] as const) {
      expect((await windrow(...args)).failure?.message, args.join(' ')).toMatch(message);
    }
  });

  test('a bad file stops no other; it is named at the end, and tried again the next time', async () => {
    const of = randomUUID();
    const zipped = gzipSync(lines(`${of}-b`, 30_000));
    const dir = directory({
      'a.jsonl': lines(`${of}-a`, 10),
      'b.jsonl.gz': zipped.subarray(0, zipped.length / 2),
      'c.jsonl': lines(`${of}-c`, 10),
    });
    symlinkSync('/nowhere/at/all.jsonl', path.join(dir, 'd.jsonl'));
    symlinkSync('.', path.join(dir, 'circle'));
    const { printed, failure } = await windrow(dir, '--concurrency', '1');
    expect(failure).toMatchObject({
      code: 'FILE_UNREADABLE',
      message: expect.stringMatching(/^2 of 4 files/),
    });
    expect(failure?.message).toMatch(
      /\/b\.jsonl\.gz can't be read to its end: unexpected end of file\. \d+ events/,
    );
    expect(failure?.message).toMatch(/\/d\.jsonl can't be read to its end: ENOENT/);
    expect(printed).toMatch(/^2 of 4 files loaded$/m);
    expect(await topics.idsOf(`${of}-c`)).toHaveLength(10);
    const cut = (await topics.idsOf(`${of}-b`)).length;
    expect(cut).toBeGreaterThan(1_000);

    const again = await windrow(dir);
    expect(again.failure).toMatchObject({ message: expect.stringMatching(/^2 of 2 files could not/) });
    expect(await topics.idsOf(`${of}-b`)).toHaveLength(cut);
    rmSync(path.join(dir, 'd.jsonl'));
    putFile(dir, 'b.jsonl.gz', zipped);
    expect(await loaded(dir)).toMatchObject({ alreadyLoaded: 2, sent: 30_000 });
    expect(new Set(await topics.idsOf(of)).size).toBe(30_020);
  });
});

describe('windrow load of files that are not what they seem', () => {
  const header = 'event_id,event_name,anonymous_id,occurred_at,type';
  const row = (id: string) => `${id},Trial,a,2026-11-28T09:00:00Z,track`;
  const message = (messageId: string) => ({
    ...{ type: 'track', event: 'E', messageId, anonymousId: 'a', timestamp: '2026-11-28T09:00:00Z' },
  });

  test('they are loaded whole', async () => {
    const of = randomUUID();
    const dir = directory({
      'cr.csv': [header, row(`${of}-a0`), row(`${of}-a1`), ''].join('\r'),
      'semicolon.csv.gz': gzipSync([header, row(`${of}-b0`)].join('\n').replaceAll(',', ';')),
      'sep.csv': ['sep=,', header, row(`${of}-c0`)].join('\n'),
      'utf-16.tsv': Buffer.from(
        `\uFEFF${[header, row(`${of}-d0`)].join('\r\n').replaceAll(',', '\t')}`,
        'utf16le',
      ),
      'batch.json.zst': zstdCompressSync(
        JSON.stringify({ batch: [message(`${of}-e0`), message(`${of}-e1`)], sentAt: '2026-11-28T09:00:01Z' }),
      ),
      // An empty cell is absent: this row gets the type and the time of a row without these columns.
      'empty.csv': `${header},received_at\n${of}-f0,Trial,a,2026-11-28T09:00:00Z,,\n`,
    });
    expect(await loaded(dir)).toMatchObject({ files: 6, read: 8, sent: 8, rejected: 0 });
    const expected = [
      `${of}-a0`,
      `${of}-a1`,
      `${of}-b0`,
      `${of}-c0`,
      `${of}-d0`,
      `${of}-e0`,
      `${of}-e1`,
      `${of}-f0`,
    ];
    expect((await topics.idsOf(of)).sort()).toEqual(expected);
    expect(await loaded(dir)).toMatchObject({ alreadyLoaded: 6, read: 0 });
  });

  test('or refused before a row is sent, with the option that helps', async () => {
    const of = randomUUID();
    const good = { header: `${header},note`, row: `${row(`${of}-0`)},` };
    const dir = directory({
      'empty.csv': `${good.header}\n`,
      'latin.csv': Buffer.from(`${good.header}\n${good.row}x\n${good.row}caf\xe9\n`, 'latin1'),
      'envelope.json': JSON.stringify({ data: [message(`${of}-1`)] }),
      'strict.csv': `${good.header}\n${good.row}x\n`,
      'book.csv': Buffer.from('PK\x03\x04\x14\0[Content_Types].xml', 'latin1'),
    });
    for (const [file, args, reason] of [
      ['empty.csv', [], /holds no record/],
      ['latin.csv', [], /byte \d+ \(line 3\) is 0xe9.*--encoding windows-1252/],
      ['envelope.json', [], /--path 'data\[\*\]'/],
      ['strict.csv', ['--strict'], /no field of track takes note \(1\)/],
      ['book.csv', [], /an Excel workbook \(\.xlsx\); save it as CSV/],
    ] as const) {
      const { failure } = await windrow(path.join(dir, file), ...args);
      expect(failure).toMatchObject({ code: 'FILE_UNREADABLE', message: expect.stringMatching(reason) });
    }
    expect(await topics.idsOf(of)).toEqual([]);
    const latin = await loaded(path.join(dir, 'latin.csv'), '--encoding', 'windows-1252');
    expect(latin).toMatchObject({ sent: 2, perFile: [{ unknownFields: { note: 2 } }] });
    const { printed } = await windrow(path.join(dir, 'envelope.json'), '--path', 'data[*]');
    expect(printed).toContain('1 read, 1 sent');
    for (const args of [
      ['--path', 'data['],
      ['--encoding', 'utf8-x'],
      ['--max-rejects', '-1'],
      ['--max-rejects', '101%'],
    ])
      expect(exitCodeOf((await windrow(path.join(dir, 'strict.csv'), ...args)).failure), args.join(' ')).toBe(
        2,
      );
  });

  test('rows that break a rule are rejected, told, kept in a file, and counted for the exit code', async () => {
    const of = randomUUID();
    const rows = [
      row(`${of}-0`),
      `${of}-1,Trial,a,never,track`,
      `${of}-2,Trial,a,2026-11-28T09:00:00Z,shout`,
    ];
    const dir = directory({ 'rows.csv': [header, ...rows].join('\n') });
    const file = path.join(dir, 'rows.csv');
    const rejects = path.join(dir, 'rejects.ndjson');
    const { printed, noted, failure } = await windrow(file, '--rejects', rejects);
    expect(printed).toMatch(
      /^track: 3 read, 1 sent, 2 dead letters.*\n {2}occurred_at_invalid: 1\n {2}type_unknown: 1$/,
    );
    expect(noted).toMatch(
      /^rejected: .*rows\.csv, line 3: .*\(occurred_at_invalid\)\nrejected: .*line 4: .*\(type_unknown\)$/,
    );
    expect(failure).toMatchObject({
      code: 'ROWS_REJECTED',
      message: expect.stringMatching(/^2 of 3 rows were rejected, and 0 may be; .*--max-rejects 2\.$/),
    });
    expect(exitCodeOf(failure)).toBe(1);
    const kept = readFileSync(rejects, 'utf8').trim().split('\n');
    expect(kept.map((line) => JSON.parse(line))).toMatchObject([
      {
        file,
        line: 3,
        reason: 'occurred_at_invalid',
        message: expect.stringContaining('never'),
        text: rows[1],
      },
      { file, line: 4, reason: 'type_unknown', text: rows[2] },
    ]);
    expect(await topics.idsOf(of)).toEqual([`${of}-0`]);
    for (const limit of ['2', '67%'])
      expect((await windrow(file, '--max-rejects', limit)).failure).toBeUndefined();
    for (const limit of ['1', '66%'])
      expect((await windrow(file, '--max-rejects', limit)).failure).toMatchObject({ code: 'ROWS_REJECTED' });
    expect((await windrow(file, '--rejects', file)).failure).toMatchObject({ code: 'USAGE' });
    const { failure: unwritable } = await windrow(file, '--rejects', path.join(dir, 'none/rejects'));
    expect(unwritable).toMatchObject({
      code: 'FILE_UNWRITABLE',
      message: expect.stringContaining('none/rejects'),
    });
  });
});
