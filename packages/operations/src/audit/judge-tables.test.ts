import { must } from '@windrow/runtime/testing';
import { describe, expect, test } from 'vitest';
import { IdRepeats } from './id-repeats.ts';
import { deepFacts, judged } from './testing/sound-facts.ts';

describe('tables', () => {
  test("a file that was added to or removed from the lake's log by another hand", () => {
    const { findings, audit } = judged((_facts, stream) => {
      must(stream.lakeCurated).rows += 5;
    });
    expect(findings).toEqual([
      'wrong: lake curated/track: its log has files with 14 rows, its ledger counts 9: 5 too many',
    ]);
    expect(audit.tables[1]?.verdict).toBe('wrong');
  });

  test('deep facts that fit add up', () => {
    expect(judged(() => undefined, deepFacts()).findings).toEqual([]);
  });

  test('rows that are lost in a file', () => {
    const { findings } = judged((_facts, stream) => {
      must(must(stream.lakeRaw.content).rows[1]).rows = 2;
    }, deepFacts());
    expect(findings).toEqual([
      'wrong: lake raw/track: its files hold 2 rows of track.raw/1, its ledger counts 3: 1 lost',
    ]);
  });

  test('a partition that the files lack altogether', () => {
    const { findings } = judged((_facts, stream) => {
      must(stream.lakeRaw.content).rows.pop();
    }, deepFacts());
    expect(findings).toEqual([
      'wrong: lake raw/track: its files hold 0 rows of track.raw/1, its ledger counts 3: 3 lost',
    ]);
  });

  test('an id or a position that is there twice is named', () => {
    const { findings } = judged((_facts, stream) => {
      must(must(stream.lakeCurated).content).repeatedIds = {
        ...{ count: 1, examples: ['e-7'], rows: 1 },
        inSeveralPartitions: { count: 0, examples: [] },
      };
      must(must(stream.lakeCurated).content).repeatedOffsets = { count: 4, examples: ['0/1', '0/2', '0/3'] };
    }, deepFacts());
    expect(findings).toEqual([
      'wrong: lake curated/track: 4 offsets occur more than once: 0/1, 0/2, 0/3, …',
      'wrong: lake curated/track: 1 ids occur more than once: e-7',
    ]);
  });

  test('the same event in two partitions is named as that, and Postgres has lost nothing', () => {
    const twice = (missing: number) =>
      judged((_facts, stream) => {
        const ids = new IdRepeats();
        for (const [id, partition] of [
          ...['a', 'b'].map((id) => [id, 0] as const),
          ['a', 1],
          ['b', 1],
        ] as const)
          ids.add(id, partition);
        must(must(stream.lakeCurated).content).repeatedIds = ids.found;
        must(stream.postgres).rows = 9 - missing;
        must(stream.ids).lake = 9 - missing;
      }, deepFacts()).findings;
    expect(twice(2)).toEqual([
      "wrong: lake curated/track: 2 ids occur more than once: a, b; 2 of them are in several partitions (a in 0 and 1, b in 0 and 1): a producer sets another key than the contract, or uses another partitioner than Kafka's default (librdkafka: set partitioner to murmur2_random)",
      'wrong: postgres curated.track_event: it has 7 rows, its ledger counts 9: 2 events have the id of another one, and it keeps one row for an id; none is lost',
    ]);
    expect(twice(3)[1]).toMatch(/2 events have the id of another one, .*; 1 lost$/);
    expect(twice(0)).toHaveLength(1);
  });

  test('rows with one id are counted once for the id, and again for each more row', () => {
    const ids = new IdRepeats();
    for (const partition of [3, 3, 1, 2]) ids.add('a', partition);
    ids.add('b', 1);
    expect(ids.found).toEqual({
      ...{ count: 1, examples: ['a'], rows: 3 },
      inSeveralPartitions: { count: 1, examples: ['a in 3 and 1'] },
    });
    ids.forget();
    ids.add('b', 1);
    expect(ids.found.count).toBe(1);
  });

  test('a file that no commit names, once nothing is on its way', () => {
    const orphaned = (behind: boolean) =>
      judged((_facts, stream) => {
        must(stream.lakeRaw.content).orphans = {
          count: 1,
          examples: ['raw/track/date=2024-05-01/x.parquet'],
        };
        if (behind) must(must(stream.lakeCurated).ledger[0]).nextOffset = 7;
      }, deepFacts()).findings.filter((finding) => finding.includes('no commit names'));
    const said =
      'lake raw/track: 1 files that no commit names, which readers without the log would read: raw/track/date=2024-05-01/x.parquet';
    expect(orphaned(false)).toEqual([`wrong: ${said}`]);
    expect(orphaned(true)).toEqual([`behind: ${said}`]);
  });

  test('a row that was deleted from Postgres', () => {
    const { findings } = judged((_facts, stream) => {
      must(stream.postgres).rows = 8;
      must(stream.ids).postgres = 8;
      must(stream.ids).onlyInLake = { count: 1, examples: ['e-3'] };
    }, deepFacts());
    expect(findings).toEqual([
      'wrong: postgres curated.track_event: it has 8 rows, its ledger counts 9: 1 lost',
      'wrong: postgres curated.track_event: 1 ids of curated/track are not in it: e-3',
    ]);
  });

  test('a row that only Postgres has, or has twice', () => {
    const { findings } = judged((_facts, stream) => {
      must(stream.ids).onlyInPostgres = { count: 1, examples: ['e-9'] };
      must(stream.ids).repeatedInPostgres = { count: 1, examples: ['e-1'] };
    }, deepFacts());
    expect(findings).toEqual([
      'wrong: postgres curated.track_event: 1 ids occur more than once: e-1',
      'wrong: lake curated/track: 1 ids of curated.track_event are not in it: e-9',
    ]);
  });

  test('a table whose rows are replaced has as many as there are ids', () => {
    const change = (rows: number) =>
      judged((_facts, stream) => {
        must(stream.postgres).replaces = true;
        must(stream.postgres).rows = rows;
        must(stream.ids).lake = 7;
      }, deepFacts()).findings;
    expect(change(7)).toEqual([]);
    expect(change(9)).toEqual([
      'wrong: postgres curated.track_event: it has 9 rows, the lake has different ids: 7: 2 too many',
    ]);
  });

  test('records that a topic still holds', () => {
    const { findings } = judged((_facts, stream) => {
      must(must(stream.retained)[0]).records = 9;
      must(must(stream.retained)[3]).records = 2;
    }, deepFacts());
    expect(findings).toEqual([
      'wrong: track.raw/0: track.raw holds 9 records up to 8, the accounts say 8 consumed',
      'wrong: track.raw/1: track.enriched holds 2 records up to 4, the accounts say 3 accepted',
    ]);
  });

  test('records that retention or compaction has removed are not missed', () => {
    const { findings } = judged((_facts, stream) => {
      stream.raw.compacted = true;
      must(must(stream.enriched).partitions[0]).start = 2;
      must(must(stream.retained)[0]).records = 1;
      must(must(stream.retained)[2]).records = 1;
    }, deepFacts());
    expect(findings).toEqual([]);
  });
});

test('topics that grow while they are audited make it behind', () => {
  const { addsUp, findings } = judged((facts) => {
    facts.moving = ['track.raw'];
  });
  expect(addsUp).toBe(false);
  expect(findings[0]).toMatch(/^behind: track.raw: records came in/);
});

test('while topics grow, places that differ are behind; what can never be right is wrong all the same', () => {
  const { findings } = judged((facts, stream) => {
    facts.moving = ['track.raw', 'track.enriched'];
    must(stream.accounts[2]).duplicates = 0;
    must(must(stream.lakeCurated).ledger[0]).nextOffset = 11;
    must(stream.postgres).rows = 12;
    must(must(stream.lakeCurated).content).repeatedIds = {
      ...{ count: 1, examples: ['e-7'], rows: 1 },
      inSeveralPartitions: { count: 0, examples: [] },
    };
  }, deepFacts());
  expect(findings.filter((finding) => finding.startsWith('wrong'))).toEqual([
    'wrong: track.raw/0: offsets 0 to 3: 4 consumed, but 3 accepted + 0 duplicates + 0 deletions + 0 dropped + 0 dead-lettered',
    'wrong: lake curated/track: 1 ids occur more than once: e-7',
  ]);
  expect(findings).toContain(
    'behind: track.raw/0: its ledger is at offset 11 of track.enriched, which ends at 8',
  );
});

test('a table is not wrong while something is on its way to it', () => {
  const { findings } = judged((_facts, stream) => {
    must(stream.postgres).ledger[0] = { partition: 0, nextOffset: 5, rows: 2, rejected: 0, replayed: 0 };
    must(stream.ids).onlyInLake = { count: 4, examples: ['e-1', 'e-2', 'e-3'] };
  }, deepFacts());
  expect(findings.filter((finding) => finding.startsWith('wrong'))).toEqual([]);
});
