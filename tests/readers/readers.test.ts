import { randomUUID } from 'node:crypto';
import { createEncoder, encoderNames } from '@windrow/lake';
import { columnBuffersFrom } from '@windrow/lake/testing';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { dayOfEvents, eventsQuestions, writeEvents } from './events-table.ts';
import { openLake } from './lake-store.ts';
import { lakeReaders } from './readers.ts';

describe('readers of the lake that we did not write', () => {
  const env = inject('endpoints');
  const store = openLake(env);
  const root = `readers-${randomUUID()}`;

  beforeAll(async () => {
    for (const name of encoderNames) await writeEvents(store, `${root}/${name}`, name);
  });
  afterAll(() => store.close());

  describe.each(encoderNames)('on files of the %s encoder', (encoder) => {
    describe.each(lakeReaders)('%s', (_, reader) => {
      it.each(eventsQuestions)('answers: %s', async (_, sql, answer) => {
        expect(await reader(env, `${root}/${encoder}`, sql)).toEqual(answer);
      });
    });
  });

  it('reads with the log what the log names, and without it whatever lies there', async () => {
    const { bytes } = await createEncoder('columnar').encode({ buffers: columnBuffersFrom(dayOfEvents(0)) });
    await store.put(`${root}/columnar/date=2013-01-01/orphan.parquet`, bytes);
    const counts = await Promise.all(
      lakeReaders.map(([, reader]) => reader(env, `${root}/columnar`, 'SELECT count(*) AS events FROM t')),
    );
    expect(counts).toEqual([[{ events: 90 }], [{ events: 90 }], [{ events: 120 }]]);
  });

  it.each(lakeReaders)('%s tells a table that is not there as an error', async (_, reader) => {
    await expect(reader(env, `${root}/nothing`, 'SELECT 1 FROM t')).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
    });
  });
});
