import { must } from '@windrow/runtime/testing';
import { describe, expect, test } from 'vitest';
import type { AuditFacts, StreamFacts } from './facts.ts';
import { judged } from './testing/sound-facts.ts';

test('sound facts add up, and each line says what became of its partition', () => {
  const { addsUp, findings, audit } = judged(() => undefined);
  expect(findings).toEqual([]);
  expect(addsUp).toBe(true);
  expect(audit.partitions).toEqual([
    {
      stream: 'track',
      topic: 'track.raw',
      partition: 0,
      consumed: 8,
      accepted: 6,
      duplicates: 1,
      deletions: 0,
      dropped: {},
      deadLettered: 1,
      lakeRaw: 8,
      lakeCurated: 6,
      postgres: 6,
      verdict: 'ok',
    },
    {
      stream: 'track',
      topic: 'track.raw',
      partition: 1,
      consumed: 4,
      accepted: 3,
      duplicates: 0,
      deletions: 0,
      dropped: {},
      deadLettered: 1,
      lakeRaw: 3,
      lakeCurated: 3,
      postgres: 3,
      verdict: 'ok',
    },
  ]);
  expect(audit.tables.map(({ table, rows, verdict }) => [table, rows, verdict])).toEqual([
    ['lake raw/track', 11, 'ok'],
    ['lake curated/track', 9, 'ok'],
    ['postgres curated.track_event', null, 'ok'],
    ['lake rejected/dead_letter', 2, 'ok'],
  ]);
});

describe('ranges', () => {
  test('a gap is lost events', () => {
    const { findings, audit } = judged((_facts, stream) => {
      stream.accounts = stream.accounts.filter(
        (account) => account.first_offset !== 0 || account.partition === 1,
      );
    });
    expect(findings[0]).toBe('wrong: track.raw/0: no account of offsets 0 to 3 (4 lost)');
    expect(audit.partitions[0]?.verdict).toBe('wrong');
    expect(audit.partitions[1]?.verdict).toBe('ok');
  });

  test('an overlap is events accounted for twice', () => {
    const { findings } = judged((_facts, stream) => {
      must(stream.accounts[1]).first_offset = 3;
      must(stream.accounts[1]).consumed = 5;
      must(stream.accounts[1]).accepted = 4;
    });
    expect(findings[0]).toBe(
      'wrong: track.raw/0: offsets 3 to 3 are accounted for twice (records 2 and 1 of accounts)',
    );
  });

  test('accounts that end before the topic does are behind, and nothing else is held against the line', () => {
    const { findings, addsUp } = judged((_facts, stream) => {
      must(stream.raw.partitions[1]).end = 10;
    });
    expect(findings).toEqual([
      'behind: track.raw/1: the enricher is 6 offsets behind',
      'behind: track.raw/1: it is 6 offsets of track.raw behind',
    ]);
    expect(addsUp).toBe(false);
  });

  test('accounts that go beyond the topic are of another topic', () => {
    const { findings } = judged((_facts, stream) => {
      must(stream.raw.partitions[1]).end = 3;
    });
    expect(findings[0]).toBe('wrong: track.raw/1: accounts go to offset 4, the topic ends at 3');
  });
});

describe('counts', () => {
  test('an account that does not balance is named by its range', () => {
    const { findings } = judged((_facts, stream) => {
      must(stream.accounts[2]).duplicates = 0;
    });
    expect(findings[0]).toBe(
      'wrong: track.raw/0: offsets 0 to 3: 4 consumed, but 3 accepted + 0 duplicates + 0 deletions + 0 dropped + 0 dead-lettered',
    );
  });

  test('a deletion is consumed, and makes no row', () => {
    const { findings, audit } = judged((_facts, stream) => {
      Object.assign(must(stream.accounts[0]), { accepted: 2, deletions: 1 });
      for (const { ledger } of [stream.lakeRaw, must(stream.lakeCurated), must(stream.postgres)])
        must(ledger[1]).rows -= 1;
      for (const table of [stream.lakeRaw, must(stream.lakeCurated)]) table.rows = (table.rows ?? 0) - 1;
    });
    expect(findings).toEqual([]);
    expect(audit.partitions[1]).toMatchObject({ consumed: 4, accepted: 2, deletions: 1, lakeRaw: 2 });
  });

  test('an event that a step dropped is consumed, and is a row of the raw table only', () => {
    const { findings, audit } = judged((_facts, stream) => {
      Object.assign(must(stream.accounts[0]), { accepted: 1, dropped: { outside_europe: 2 } });
      for (const { ledger } of [must(stream.lakeCurated), must(stream.postgres)]) must(ledger[1]).rows -= 2;
      must(stream.lakeCurated).rows -= 2;
    });
    expect(findings).toEqual([]);
    expect(audit.partitions[1]).toMatchObject({ accepted: 1, dropped: { outside_europe: 2 }, lakeRaw: 3 });
  });

  test.each([
    ['lakeRaw', -1, '1 lost'],
    ['lakeCurated', 1, '1 too many'],
    ['postgres', -2, '2 lost'],
  ] as const)('the ledger of %s with %i rows more', (table, more, difference) => {
    const { findings, audit } = judged((_facts, stream) => {
      const facts = must(stream[table]);
      must(facts.ledger[0]).rows += more;
      if ('files' in facts) facts.rows += more;
    });
    expect(findings).toHaveLength(1);
    expect(findings[0]).toMatch(new RegExp(`^wrong: track.raw/0: .*${difference}$`));
    expect(audit.partitions[0]?.verdict).toBe('wrong');
  });

  test('an event that Postgres rejected is a dead letter, not a loss', () => {
    const { findings } = judged((facts, stream) => {
      must(stream.postgres).ledger[0] = { partition: 0, nextOffset: 8, rows: 5, rejected: 1, replayed: 0 };
      const { deadLetters } = facts;
      deadLetters.causes.push({
        topic: 'track.enriched',
        partition: 0,
        stage: 'postgres',
        reason: 'refused',
        events: 1,
      });
      must(deadLetters.topic.partitions[0]).end = 3;
      must(deadLetters.retained[0]).records = 3;
      deadLetters.lake.ledger[0] = { partition: 0, nextOffset: 3, rows: 3, rejected: 0, replayed: 0 };
      deadLetters.lake.rows = 3;
    });
    expect(findings).toEqual([]);
  });

  describe('rows that a replay has withdrawn', () => {
    const withdrawn = (facts: AuditFacts, stream: StreamFacts, rows: number, letters: number) => {
      for (const ledger of [must(stream.lakeCurated).ledger, must(stream.postgres).ledger])
        Object.assign(must(ledger[0]), { rows: must(ledger[0]).rows - rows, replayed: -rows });
      must(stream.lakeCurated).rows -= rows;
      const { deadLetters } = facts;
      const of = { topic: 'track.raw', partition: 0, stage: 'replay', reason: 'city_missing' };
      deadLetters.causes.push({ ...of, events: letters });
      must(deadLetters.topic.partitions[0]).end += letters;
      must(deadLetters.retained[0]).records += letters;
      Object.assign(must(deadLetters.lake.ledger[0]), { nextOffset: 2 + letters, rows: 2 + letters });
      deadLetters.lake.rows += letters;
    };

    test('are dead letters, not a loss', () => {
      expect(judged((facts, stream) => withdrawn(facts, stream, 2, 2)).findings).toEqual([]);
    });

    test('are lost where no dead letter has them', () => {
      const { findings } = judged((facts, stream) => withdrawn(facts, stream, 2, 1));
      expect(findings).toHaveLength(2);
      expect(findings[0]).toMatch(/withdrawn 2 rows, and 1 events are dead letters of replays: 1 lost$/);
    });

    test('were not withdrawn by a replay where the ledger does not say so', () => {
      const { findings } = judged((facts, stream) => {
        withdrawn(facts, stream, 2, 2);
        must(must(stream.postgres).ledger[0]).replayed = 0;
      });
      expect(findings).toEqual([expect.stringMatching(/^wrong: track.raw\/0: .*2 lost$/)]);
    });
  });

  test('a sink that is behind is behind, not wrong', () => {
    const { findings } = judged((_facts, stream) => {
      must(stream.postgres).ledger[0] = { partition: 0, nextOffset: 5, rows: 2, rejected: 0, replayed: 0 };
    });
    expect(findings).toEqual(['behind: track.raw/0: it is 3 offsets of track.enriched behind']);
  });

  test('a ledger beyond the end belongs to another topic', () => {
    const { findings } = judged((_facts, stream) => {
      must(must(stream.lakeCurated).ledger[1]).nextOffset = 9;
    });
    expect(findings).toEqual([
      'wrong: track.raw/1: its ledger is at offset 9 of track.enriched, which ends at 4',
    ]);
  });
});

describe('dead letters', () => {
  test('one that the accounts count and the topic lacks', () => {
    const { findings } = judged((facts) => {
      facts.deadLetters.causes.pop();
    });
    expect(findings[0]).toBe(
      'wrong: track.raw/1: decode/not_avro: 1 were dead-lettered by the accounts, 0 are in dead-letter',
    );
  });

  test('one that no account counts', () => {
    const { findings } = judged((facts) => {
      must(facts.deadLetters.causes[0]).reason = 'city_missing';
    });
    expect(findings).toHaveLength(2);
  });

  test('what retention has deleted is not missed', () => {
    const { findings } = judged((facts) => {
      facts.deadLetters.causes = [];
      must(facts.deadLetters.topic.partitions[0]).start = 2;
      must(facts.deadLetters.retained[0]).records = 0;
    });
    expect(findings).toEqual([]);
  });

  test('one that is there twice', () => {
    const { findings } = judged((facts) => {
      facts.deadLetters.repeated = { count: 1, examples: ['rules track.raw/0/3'] };
    });
    expect(findings).toEqual([
      'wrong: lake rejected/dead_letter: 1 events have more than one dead letter: rules track.raw/0/3',
    ]);
  });

  test('one that has not landed in the lake', () => {
    const { findings } = judged((facts) => {
      must(facts.deadLetters.lake.ledger[0]).rows = 1;
      facts.deadLetters.lake.rows = 1;
    });
    expect(findings).toEqual([
      'wrong: lake rejected/dead_letter: dead-letter/0 holds 2 records, 1 rows landed: 1 lost',
    ]);
  });
});
