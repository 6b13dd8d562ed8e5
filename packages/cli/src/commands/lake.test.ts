import { createEncoder, LakeTable, ledgerColumns, type TableSchema } from '@windrow/lake';
import { columnBuffersFrom, createTestBucket, readTable, type TestBucket } from '@windrow/lake/testing';
import { must } from '@windrow/runtime/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { createProgram } from '../program.ts';

const schema: TableSchema = {
  columns: [{ name: 'occurred_at', type: 'timestamp', nullable: true }, ...ledgerColumns],
};
const startMs = Date.UTC(2013, 0, 1);
const of = { topic: 'track.raw', partition: 0 };
const encoder = createEncoder('columnar');

let bucket: TestBucket;
let env: Record<string, string>;
beforeAll(async () => {
  bucket = await createTestBucket(inject('endpoints'));
});
afterAll(() => bucket?.store.close());

async function windrow(args: string[], signal = new AbortController().signal) {
  const [printed, noted]: [string[], string[]] = [[], []];
  const program = createProgram({
    ...{ env, stateDir: '/nowhere', signal, interactive: false },
    print: (line) => printed.push(line),
    note: (line) => noted.push(line),
  });
  await program.parseAsync(['lake', ...args], { from: 'user' });
  return printed.join('\n');
}
const told = async (...args: string[]) => JSON.parse(await windrow([...args, '--json']));

/** Two files of ten rows in each of two windows, and one in the first window of the next day. */
async function land(): Promise<void> {
  const table = await LakeTable.open(bucket.store, { path: 'raw/track', schema, sink: 'lake' });
  const claim = await table.claim([of]);
  const files = [
    ['2013-01-01', '20130101T0000'],
    ['2013-01-01', '20130101T0010'],
    ['2013-01-01', '20130101T0000'],
    ['2013-01-01', '20130101T0010'],
    ['2013-01-02', '20130102T0000'],
  ] as const;
  let { nextOffset: next } = must(claim.positions[0]);
  for (const [date, namePrefix] of files) {
    const offsets = Array.from({ length: 10 }, (_, n) => next + n);
    const columns = [
      offsets.map((offset) => startMs + offset),
      offsets.map(() => of.topic),
      offsets.map(() => 0),
      offsets,
      offsets.map(() => Date.now()),
    ];
    const encode = () => encoder.encode({ buffers: columnBuffersFrom({ schema, rowCount: 10, columns }) });
    const upload = await table.upload(claim, [{ partitionValues: { date }, namePrefix, encode }]);
    await table.commit(upload, [{ ...of, fromOffset: next, nextOffset: next + 10, rows: 10 }]);
    next += 10;
  }
}

describe('windrow lake', () => {
  beforeEach(async () => {
    bucket.store.close();
    bucket = await createTestBucket(inject('endpoints'));
    env = { ...inject('endpoints'), LAKE_BUCKET: bucket.options.bucket };
  });

  test('describes a table, or all that are there', async () => {
    expect(await windrow(['describe'])).toBe('no table exists yet');
    await land();
    expect(await told('describe', 'raw/track')).toMatchObject({
      ...{ table: 'raw/track', version: 6, rows: 50, files: 5, untold: 0, removed: { files: 0, bytes: 0 } },
      ...{ checkpointVersion: -1, partitionedBy: ['date'], properties: {} },
      ledger: [{ partition: 0, nextOffset: 50, rows: 50 }],
      protocol: { minReaderVersion: 1, minWriterVersion: 2 },
      sizes: expect.arrayContaining([expect.objectContaining({ belowBytes: 64_000, files: 5 })]),
      columns: expect.arrayContaining([
        { name: 'occurred_at', type: 'timestamp', nullable: true },
        { name: '_offset', type: 'long', nullable: false },
        { name: 'date', type: 'date', nullable: true },
      ]),
    });
    const lines = await windrow(['describe', 'raw/track']);
    expect(lines).toContain('50 rows in 5 files');
    expect(lines).toMatch(/^ {2}0 +50 +50$/m);
    expect(await windrow(['describe'])).toMatch(/^raw\/track +6 +50 +5 /m);
    expect(await windrow(['describe'])).not.toContain('curated/track');
  });

  test('compacts by hand, tells it in the history, and vacuum leaves what a pattern should find', async () => {
    await land();
    const before = await readTable(bucket.store, 'raw/track');
    expect(await windrow(['compact', 'raw/track', '--dry-run'])).toContain('2 windows to compact');
    expect((await told('compact', 'raw/track', '--date', '2013-01-02')).compactions).toEqual([]);
    expect((await readTable(bucket.store, 'raw/track')).named).toEqual(before.named);

    expect(await told('compact', 'raw/track')).toMatchObject({ done: 2, overtaken: 0, filesRemoved: 4 });
    const after = await readTable(bucket.store, 'raw/track');
    expect(after.named).toHaveLength(3);
    const byOffset = (rows: Record<string, unknown>[]) =>
      rows.toSorted((a, b) => Number(a._offset) - Number(b._offset));
    expect(byOffset(after.rows)).toEqual(byOffset(before.rows));
    expect(await windrow(['compact', 'raw/track'])).toBe('raw/track: no window has two small files');

    const [{ commits }] = await told('history', 'raw/track', '--limit', '4');
    expect(commits).toMatchObject([
      { version: 9, operation: 'OPTIMIZE', addedFiles: 1, addedRows: 20, removedFiles: 2, removedRows: 20 },
      { version: 8, operation: 'OPTIMIZE', by: 'windrow/0.1.0 lake' },
      { version: 7, operation: 'WINDROW CLAIM', addedFiles: 0 },
      { version: 6, operation: 'WRITE', addedRows: 10, ranges: [{ fromOffset: 40, nextOffset: 50 }] },
    ]);
    expect(await windrow(['history', 'raw/track'])).toMatch(
      /^ +9 +20\S+ \S+Z +OPTIMIZE +20 +20 +1 +2 +windrow/m,
    );

    const url = (key: string) => bucket.store.url(key);
    expect((await windrow(['files', 'raw/track'])).split('\n')).toEqual(after.named.map(url));
    expect(await told('files', 'raw/track', '--date', '2013-01-02')).toHaveLength(1);
    expect(after.lying).toHaveLength(7);

    await expect(windrow(['vacuum', 'raw/track', '--older-than', '0s'])).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('keeps removed files for 168 hours'),
    });
    expect((await told('vacuum', 'raw/track')).deleted).toBe(0);
    const listed = await windrow(['vacuum', 'raw/track', '--older-than', '0s', '--force', '--dry-run']);
    expect(listed.split('\n')).toHaveLength(5);
    expect((await readTable(bucket.store, 'raw/track')).lying).toEqual(after.lying);
    expect((await told('vacuum', 'raw/track', '--older-than', '0s', '--force')).deleted).toBe(4);
    expect((await readTable(bucket.store, 'raw/track')).lying).toEqual(after.named);
    expect(await readTable(bucket.store, 'raw/track')).toMatchObject({ named: after.named });
  });

  test('vacuum takes strays and what a killed compaction has left, and not what a sink is uploading', async () => {
    await land();
    await windrow(['compact', 'raw/track']);
    const intent = {
      paths: ['date=2013-01-03/killed.parquet'],
      owners: { 'lake:upkeep#owner': 1 },
      sinceVersion: 0,
    };
    const bytes = new TextEncoder().encode(JSON.stringify(intent));
    await bucket.store.put('raw/track/_windrow/intents/killed.json', bytes);
    await bucket.store.put('raw/track/date=2013-01-03/killed.parquet', new Uint8Array(1));
    const table = await LakeTable.open(bucket.store, { path: 'raw/track', schema, sink: 'lake' });
    const uploading = await table.upload(await table.claim([of]), [
      {
        partitionValues: { date: '2013-01-03' },
        namePrefix: '20130103T0000',
        encode: async () => ({ bytes: new Uint8Array(3), stats: { numRecords: 0, nullCount: {} } }),
      },
    ]);
    await bucket.store.put('raw/track/date=2013-01-03/stray.parquet', new Uint8Array(1));
    const result = await told('vacuum', 'raw/track', '--older-than', '0s', '--force');
    const unnamed = result.garbage.filter(({ kind }: { kind: string }) => kind === 'unnamed');
    expect(unnamed).toMatchObject([{ key: 'raw/track/date=2013-01-03/stray.parquet' }]);
    const { lying } = await readTable(bucket.store, 'raw/track');
    expect(lying).not.toContain('raw/track/date=2013-01-03/killed.parquet');
    expect(lying).toContain(`raw/track/${uploading.adds[0]?.path}`);
  });

  test('says what is wrong with what it is asked', async () => {
    await expect(windrow(['describe', 'raw/tracks'])).rejects.toMatchObject({
      code: 'USAGE',
      message:
        'there is no lake table raw/tracks; it is one of: raw/track, curated/track, raw/weather, rejected/dead_letter',
    });
    await expect(windrow(['compact', 'raw/weather'])).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('does not exist yet'),
    });
    await expect(windrow(['compact', 'raw/track', '--date', 'today'])).rejects.toThrow('It must be a date');
    await expect(windrow(['vacuum', 'raw/track', '--older-than', '7'])).rejects.toThrow('It must be a time');
  });

  test('stopped half-way, says what is done', async () => {
    await land();
    const stopped = AbortSignal.abort(new Error('SIGINT'));
    await expect(windrow(['compact', 'raw/track'], stopped)).rejects.toMatchObject({
      code: 'STOPPED',
      message: expect.stringContaining('stopped after 0 of 2 windows'),
    });
    expect((await readTable(bucket.store, 'raw/track')).lying).toHaveLength(5);
  });
});
