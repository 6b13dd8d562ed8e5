import { DeltaLog, systemHost } from '@windrow/lake';
import { must } from '@windrow/runtime/testing';
import { expect, test } from 'vitest';
import { hasPassed, runChaos } from './chaos.ts';
import type { Accepted } from './load.ts';
import type { Platform } from './platform.ts';
import { prove } from './proof.ts';
import { report } from './report.ts';

const seed = 20_261;
const minutes = 3;
/** The time beyond that of the faults, for the stack's start, recovery and proof on a busy machine. */
const timeoutMs = 20 * 60_000;

test('under faults nothing is lost and nothing is there twice; and the proof can fail', {
  timeout: timeoutMs,
}, async ({ signal }) => {
  const planted: string[][] = [];
  const result = await runChaos({
    seed,
    minutes,
    log: (line) => console.log(`chaos: ${line}`),
    signal,
    afterProof: async (platform, accepted) => {
      // The files that the test adds must not be compacted.
      const instances = [...platform.instances.values()].filter(({ name }) => name.startsWith('lake-sink'));
      await Promise.all(instances.map((instance) => instance.stop()));
      planted.push(await plantLoss(platform, accepted));
      planted.push(await plantDuplicate(platform, accepted));
      planted.push(await plantOrphan(platform, accepted));
    },
  });
  console.log(report(result));
  expect(result.unrecovered).toEqual([]);
  expect(result.findings).toEqual([]);
  expect(hasPassed(result)).toBe(true);
  expect(result.replays).toBeGreaterThan(1);
  expect(result.faults.length).toBeGreaterThan(25);
  expect(result.accepted.ids.size).toBeGreaterThan(1_000);
  expect(result.accepted.bad.size).toBeGreaterThan(10);
  expect(result.accepted.duplicates).toBeGreaterThan(100);

  const [loss, duplicate, orphan] = planted;
  expect(loss).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^audit: wrong: postgres curated\.track_event, rows: .*: 1 lost$/),
      expect.stringMatching(/^curated\.track_event by SQL: 1 lost: /),
      expect.stringMatching(/^curated\.city_window: \d+ rows differ/),
    ]),
  );
  expect(duplicate).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^audit: wrong: lake curated\/track, ids: \d+ ids occur more than once/),
      expect.stringMatching(/^curated\/track by delta-rs: \d+ more than once/),
      expect.stringMatching(/^curated\/track by Parquet files: \d+ more than once/),
    ]),
  );
  expect(orphan).toEqual([
    expect.stringMatching(/^audit: wrong: lake curated\/track, orphans: 1 files that no commit names/),
    expect.stringMatching(/^curated\/track by Parquet files: \d+ more than once/),
  ]);
});

async function findings({ installation, env }: Platform, accepted: Accepted): Promise<string[]> {
  return (await prove(installation, env, accepted)).findings;
}

/** Deletes a row from Postgres, and restores it. */
async function plantLoss(platform: Platform, accepted: Accepted): Promise<string[]> {
  const { installation } = platform;
  const where = 'WHERE event_id = (SELECT min(event_id) FROM curated.track_event)';
  await installation.postgres.query(`CREATE TABLE kept AS SELECT * FROM curated.track_event ${where}`);
  await installation.postgres.query(`DELETE FROM curated.track_event ${where}`);
  const found = await findings(platform, accepted);
  await installation.postgres.query('INSERT INTO curated.track_event SELECT * FROM kept');
  return found;
}

/** Commits a file of the lake under a second name, then removes it from the log and deletes it. */
async function plantDuplicate(platform: Platform, accepted: Accepted): Promise<string[]> {
  const { lake } = platform.installation;
  const log = await DeltaLog.open(lake, 'curated/track', systemHost);
  const [add] = (await must(log).files()).adds.values();
  const copy = { ...must(add), path: must(add).path.replace('.parquet', '-again.parquet') };
  const commit = (action: object) =>
    must(log).append(() => ({ step: 'commit', operation: 'TEST', actions: [action] }));
  await lake.put(keyOf(copy.path), must(await lake.get(keyOf(must(add).path))));
  await commit({ add: copy });
  const found = await findings(platform, accepted);
  await commit({ remove: { path: copy.path, deletionTimestamp: Date.now(), dataChange: true } });
  await lake.delete(keyOf(copy.path));
  return found;
}

/** Adds a file that no commit of the log names. */
async function plantOrphan(platform: Platform, accepted: Accepted): Promise<string[]> {
  const { lake } = platform.installation;
  const log = await DeltaLog.open(lake, 'curated/track', systemHost);
  const [add] = (await must(log).files()).adds.values();
  await lake.put(
    keyOf(must(add).path.replace('.parquet', '-orphan.parquet')),
    must(await lake.get(keyOf(must(add).path))),
  );
  return findings(platform, accepted);
}

function keyOf(path: string): string {
  return `curated/track/${decodeURIComponent(path)}`;
}
