import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { openLake } from './lake-store.ts';
import { lakeReaders } from './readers.ts';
import { readingsQuestions, readingsRows, row57, writeReadings } from './readings-table.ts';

const path = `readers-${randomUUID()}/readings`;
describe('a table that the lake has written', () => {
  const env = inject('endpoints');
  const store = openLake(env);

  beforeAll(async () => {
    await writeReadings(store, path);
  });
  afterAll(() => store.close());

  it('has a checkpoint in its log, so that readers read that too', async () => {
    expect(await store.get(`${path}/_delta_log/_last_checkpoint`)).toBeDefined();
  });

  it.each(readingsQuestions)('gives all readers the same answer: %s', async (_, sql) => {
    const answers = await Promise.all(lakeReaders.map(([, reader]) => reader(env, path, sql)));
    expect(answers[0]).not.toEqual([]);
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[2]).toEqual(answers[0]);
  });

  it.each(lakeReaders)('gives %s each value as it was', async (_, reader) => {
    const rows = await reader(env, path, 'SELECT * FROM t ORDER BY whole');
    expect(rows.length).toBe(readingsRows);
    expect(rows[57]).toEqual(row57);
    expect(rows[80]).toMatchObject({ real: 'NaN', flag: true, later: 160, date: '2013-01-01' });
  });
});
