import { Database } from '@windrow/postgres';
import { createDatabase } from '@windrow/postgres/testing';
import { createLogger, createRegistry } from '@windrow/runtime';
import { expect, inject, onTestFinished, test, vi } from 'vitest';
import { watchReplays } from './replay-watch.ts';

test('what replays have come to is told', async () => {
  const made = await createDatabase(String(inject('endpoints').DATABASE_URL), []);
  const reachability = { away: () => undefined, back: () => undefined };
  const database = new Database({ url: made.url, connections: 1, reachability });
  onTestFinished(async () => {
    await database.close();
    await made.drop();
  });
  const insert = (state: string, rows: number | null) =>
    made.sql(
      `INSERT INTO windrow.replay (stream, target, state, selection, ranges, landed, started_by, windrow_version, contract_hash, lake_version_before, counts)
       VALUES ('track', 'both', '${state}', '{}', '[]', '[]', 'me', '0', '', 0, '${JSON.stringify(rows === null ? {} : { rows })}')`,
    );
  await insert('done', 20);
  await insert('done', 3);
  await insert('staged', 500);
  await insert('staging', null);
  const registry = createRegistry('postgres-sink');
  const end = watchReplays(database, registry, createLogger('postgres-sink', 'fatal'));
  onTestFinished(end);
  await vi.waitFor(async () => {
    const text = await registry.metrics();
    expect(text).toContain('windrow_replays{stream="track",state="done",service="postgres-sink"} 2');
    expect(text).toContain('windrow_replays{stream="track",state="staged",service="postgres-sink"} 1');
    expect(text).toContain('windrow_replays{stream="track",state="staging",service="postgres-sink"} 1');
    expect(text).toContain('windrow_replayed_rows{stream="track",service="postgres-sink"} 23');
  });
});
