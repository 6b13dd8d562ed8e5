import { must } from '@windrow/runtime/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Action, serializeCommit } from '../delta/actions.ts';
import { commitKey } from '../delta/log-paths.ts';
import { MemoryObjectStore } from '../testing/index.ts';
import { deleteGarbage, garbageIn } from './vacuum.ts';

const root = 'curated/track';
const cutMs = 100;
const metaData = {
  ...{ id: 'id', format: { provider: 'parquet', options: {} }, partitionColumns: ['date'] },
  ...{ schemaString: '{"type":"struct","fields":[]}', configuration: {} },
};
const add = (path: string): Action => ({
  add: { path, partitionValues: {}, size: 1, modificationTime: 1, dataChange: true },
});
const remove = (path: string, deletionTimestamp: number): Action => ({
  remove: { path, deletionTimestamp, dataChange: false },
});

let world: MemoryObjectStore;
const put = (key: string, modifiedMs = 1, bytes = new Uint8Array(1)) =>
  world.objects.set(`${root}/${key}`, { bytes, modifiedMs });
const garbage = () => world.runUntil(garbageIn(world.client('x'), root, world.host('x'), cutMs));
const found = async () => (await garbage()).map(({ key, kind }) => `${kind} ${key.slice(root.length + 1)}`);

function log(...actions: Action[]): void {
  const all = [{ protocol: { minReaderVersion: 1, minWriterVersion: 2 } }, { metaData }, ...actions];
  world.objects.set(commitKey(root, 0), { bytes: serializeCommit(all), modifiedMs: 1 });
}

beforeEach(() => {
  world = new MemoryObjectStore(1);
});

describe('what a vacuum takes', () => {
  it('is what was removed before the cut, however old the file is, and what nobody has ever named', async () => {
    for (const name of ['live', 'removed', 'removed-lately', 'unnamed'])
      put(`date=2013-01-01/${name}.parquet`);
    put('date=2013-01-01/unnamed-lately.parquet', 101);
    const path = (name: string) => `date=2013-01-01/${name}.parquet`;
    log(
      ...[add(path('live')), add(path('removed')), add(path('removed-lately'))],
      ...[remove(path('removed'), 100), remove(path('removed-lately'), 101)],
    );
    expect(await found()).toEqual([`removed ${path('removed')}`, `unnamed ${path('unnamed')}`]);
  });

  it('is a file of data by its name: nothing hidden, no log, no other table, and names are decoded once', async () => {
    put('_delta_log/_sidecars/x.parquet');
    put('_windrow/x.parquet');
    put('date=1/.part.parquet');
    put('_date=1/x.parquet');
    put('date=1/readme.txt');
    world.objects.set('curated/track2/x.parquet', { bytes: new Uint8Array(1), modifiedMs: 1 });
    put('name=a%3Ab/live.parquet');
    log(add('name=a%253Ab/live.parquet'));
    expect(await found()).toEqual(['unnamed _date=1/x.parquet']);
  });

  it('is never what nobody has named yet and an intent lists: its writer may commit it', async () => {
    for (const name of ['slept', 'live', 'replaced']) put(`date=1/${name}.parquet`);
    const paths = ['date=1/slept.parquet', 'date=1/live.parquet', 'date=1/replaced.parquet'];
    // A writer that was killed after its commit has left its intent behind.
    log(add(must(paths[1])), add(must(paths[2])), remove(must(paths[2]), 1));
    const intent = { paths, owners: {}, sinceVersion: 0 };
    put('_windrow/intents/a.json', 1, new TextEncoder().encode(JSON.stringify(intent)));
    expect(await found()).toEqual(['removed date=1/replaced.parquet']);
    world.objects.delete(`${root}/_windrow/intents/a.json`);
    expect(await found()).toEqual(['removed date=1/replaced.parquet', 'unnamed date=1/slept.parquet']);
  });

  it('is deleted, a few at a time, until it is stopped', async () => {
    for (let n = 0; n < 40; n++) put(`date=1/${n}.parquet`);
    log();
    const all = await garbage();
    const stopping = new AbortController();
    const told: number[] = [];
    const deleting = deleteGarbage(world.client('x'), all, {
      signal: stopping.signal,
      onDeleted: (files) => {
        if (told.push(files) === 2) stopping.abort(new Error('stopped'));
      },
    });
    await expect(world.runUntil(deleting)).rejects.toThrow('stopped');
    expect(told).toEqual([16, 32]);
    expect(await garbage()).toHaveLength(8);
    await world.runUntil(deleteGarbage(world.client('x'), await garbage()));
    expect([...world.objects.keys()]).toEqual([commitKey(root, 0)]);
  });
});
