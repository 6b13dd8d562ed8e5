import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createEncoder, type EncoderName, encoderNames, smallFilesIn, TableCompactor } from '@windrow/lake';
import type { TestBucket } from '@windrow/lake/testing';
import { must } from '@windrow/runtime/testing';
import { afterAll, beforeAll, describe, expect, inject, it, test } from 'vitest';
import { eventsQuestions, writeEvents } from './events-table.ts';
import { forgetCommits, landNumbers, numbersPath, openNumbers } from './numbers-table.ts';
import { runReader } from './python.ts';
import { readWithDeltaRs } from './readers.ts';
import { readingsQuestions, row57, writeReadings } from './readings-table.ts';
import type { Spark } from './spark.ts';
import { examples, type Then, trackPath, writeTrack } from './track-table.ts';

interface Answer {
  /** By the files that the statistics in the log leave, and the row groups that the statistics in them leave. */
  rows: unknown[];
  /** By all files. */
  full?: unknown[];
  /** How many files were read for `rows`. */
  files: number;
}

/** The same question in the words of Spark. */
const toSpark = (sql: string) =>
  sql.replaceAll('TIMESTAMPTZ', 'TIMESTAMP').replaceAll('EXCLUDE (later)', 'EXCEPT (later)');

/**
 * Registers the tests of Spark with Delta. Tables are read from the S3 of the stack where the documentation reads them there;
 * else from copies on the local disk, because Spark asks S3 so much that an emulated one takes seconds for a question.
 */
export function sparkOnTables(spark: () => Spark, bucket: () => TestBucket): void {
  const env = () => ({ ...inject('endpoints'), LAKE_BUCKET: bucket().options.bucket });
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'windrow-spark-tables-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** The directory of a new copy. */
  async function copyTable(table: string): Promise<string> {
    const copy = await mkdtemp(path.join(folder, 'table-'));
    for await (const { key } of bucket().store.list({ prefix: `${table}/` })) {
      const file = path.join(copy, key.slice(table.length + 1));
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, must(await bucket().store.get(key)));
    }
    return copy;
  }

  async function ask(uri: string, sql: string, version?: number): Promise<Answer> {
    return (await spark().ask('rows', { uri, sql: toSpark(sql), version })) as Answer;
  }

  describe('on a table of all types', () => {
    let uri: string;
    beforeAll(async () => {
      await writeReadings(bucket().store, 'readings');
      uri = await copyTable('readings');
    });

    it.each(readingsQuestions)('answers as delta-rs does: %s', async (_, sql) => {
      const [{ rows }, answer] = await Promise.all([ask(uri, sql), readWithDeltaRs(env(), 'readings', sql)]);
      expect(rows).not.toEqual([]);
      expect(rows).toEqual(answer);
    });

    it('reads each value as it was', async () => {
      const { files, rows } = await ask(uri, 'SELECT * FROM t ORDER BY whole');
      expect(rows[57]).toEqual(row57);
      expect(files).toBe(24);
    });

    // Twelve files have a NaN, and then no bounds at all; twelve have not yet the column `later`, and don't count its nulls.
    it.each([
      ['whole = 7', 12 + 1],
      ["id = 'reading 57 – Zürich'", 12 + 2],
      ["day = DATE '1969-12-29'", 12 + 1],
      ["seen_at = TIMESTAMPTZ '1969-12-31 23:57:00Z'", 12 + 1],
      ['never IS NOT NULL', 0],
      ["date = DATE '2013-01-02'", 10],
    ])('finds in few files what a full scan finds: %s', async (predicate, files) => {
      const sql = `SELECT id FROM t WHERE ${predicate} ORDER BY id`;
      const answer = (await spark().ask('rows', { uri, sql: toSpark(sql), full: true })) as Answer;
      expect(answer).toMatchObject({ files, full: answer.rows });
      expect(answer.rows).toEqual(await readWithDeltaRs(env(), 'readings', sql));
    });
  });

  describe.each(encoderNames)('on events of the %s encoder', (encoder: EncoderName) => {
    let uri: string;
    beforeAll(async () => {
      await writeEvents(bucket().store, `events/${encoder}`, encoder);
      uri = await copyTable(`events/${encoder}`);
    });

    it.each(eventsQuestions)('answers: %s', async (_, sql, answer) => {
      expect((await ask(uri, sql)).rows).toEqual(answer);
    });
  });

  test('reads a log that begins with our checkpoint, and what delta-rs has made of it', async () => {
    const { store } = bucket();
    const numbers = async (uri: string, version?: number) =>
      (await ask(uri, 'SELECT n FROM t ORDER BY n', version)).rows.map((row) => (row as { n: number }).n);
    const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);
    await landNumbers(await openNumbers(store), 0, 22);
    await forgetCommits(store, 19);
    const before = await copyTable(numbersPath);
    expect(await numbers(before)).toEqual(upTo(22));
    expect(await numbers(before, 21)).toEqual(upTo(20));
    await runReader('delta-log.py', ['compact', numbersPath], env());
    await landNumbers(await openNumbers(store), 22, 24);
    const after = await copyTable(numbersPath);
    expect(await numbers(after)).toEqual(upTo(24));
    expect(await numbers(after, 22)).toEqual(upTo(21));
  });

  describe('on older versions', () => {
    let then: Then;
    beforeAll(async () => {
      then = await writeTrack(bucket());
    });
    const answer = (page: readonly [string, string, string], names: string) =>
      spark().ask('examples', { names, examples: examples(bucket(), then, page) });
    const counts = 'then.count(),by_time.count(),then.where("_offset > 4").count()';

    test('the examples give a version by its number and by a time', async () => {
      expect(await answer(['docs/how-to/time-travel.md', 'Spark', 'python'], counts)).toEqual([5, 5, 0]);
    });

    test('the example of the guide runs', async () => {
      const page = ['docs/how-to/read-the-lake.md', 'Spark', 'python'] as const;
      const [example = ''] = examples(bucket(), then, page);
      expect(example).toContain(bucket().options.bucket);
      expect(await spark().ask('examples', { names: '1', examples: [example] })).toEqual([1]);
    });

    test('reads the same rows after a compaction, and any version before it', async () => {
      const everything = 'SELECT * FROM t ORDER BY _offset';
      const uri = `s3a://${bucket().options.bucket}/${trackPath}`;
      const before = await ask(uri, everything);
      expect(before).toMatchObject({ files: 2, rows: { length: 8 } });
      const compactor = must(
        await TableCompactor.open(bucket().store, {
          ...{ path: trackPath, sink: 'lake', orderBy: ['_offset'], encoder: createEncoder('columnar') },
        }),
      );
      const epochs = await compactor.claim();
      const limits = { maxRows: 10_000, maxBytes: 1_000_000 };
      for (const small of smallFilesIn((await compactor.files()).values(), limits))
        await compactor.compact(small, epochs);
      expect(await ask(uri, everything)).toEqual({ ...before, files: 1 });
      expect((await ask(uri, everything, then.version)).rows).toEqual(before.rows.slice(0, 5));
    });
  });

  test('tells a table that is not there as an error', async () => {
    await expect(ask(path.join(folder, 'nothing'), 'SELECT 1 FROM t')).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
    });
  });
}
