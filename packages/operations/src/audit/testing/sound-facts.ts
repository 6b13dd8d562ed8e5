import { must } from '@windrow/runtime/testing';
import type { AuditFacts, LakeTableFacts, StreamFacts } from '../facts.ts';
import { judge } from '../judge.ts';

// Facts without findings, which the tests change.

/**
 * Two partitions of an enriched stream with 12 records: 9 accepted, 1 duplicate, 1 that can't be decoded and 1 that breaks a
 * rule. All events are committed to the tables.
 */
export function soundFacts(): AuditFacts {
  let kept = 0;
  const account = (partition: number, first: number, next: number, accepted: number, duplicates: number) => ({
    offset: kept++,
    stream: 'track',
    topic: 'track.raw',
    partition,
    first_offset: first,
    next_offset: next,
    consumed: next - first,
    accepted,
    duplicates,
    deletions: 0,
    dropped: {},
    rejected: {} as Record<string, number>,
    committed_at: 0,
  });
  const table = (path: string, topic: string, ledger: [number, number][], files = 1): LakeTableFacts => ({
    path,
    topic,
    ledger: ledger.map(([nextOffset, rows], partition) => ({
      partition,
      nextOffset,
      rows,
      rejected: 0,
      replayed: 0,
    })),
    files,
    bytes: 1_000,
    rows: ledger.reduce((total, [, rows]) => total + rows, 0),
  });
  const topic = (name: string, ends: number[]) => ({
    name,
    compacted: false,
    partitions: ends.map((end, partition) => ({ partition, start: 0, end })),
  });
  const stream: StreamFacts = {
    stream: 'track',
    raw: topic('track.raw', [8, 4]),
    // Offsets of the enriched topic include the markers of transactions.
    enriched: topic('track.enriched', [8, 4]),
    accounts: [
      account(1, 0, 4, 3, 0),
      { ...account(0, 4, 8, 3, 0), rejected: { 'rules/occurred_at_too_old': 1 } },
      account(0, 0, 4, 3, 1),
    ],
    lakeRaw: table('raw/track', 'track.raw', [
      [8, 8],
      [4, 3],
    ]),
    lakeCurated: table('curated/track', 'track.enriched', [
      [8, 6],
      [4, 3],
    ]),
    postgres: {
      table: 'curated.track_event',
      topic: 'track.enriched',
      replaces: false,
      ledger: [
        { partition: 0, nextOffset: 8, rows: 6, rejected: 0, replayed: 0 },
        { partition: 1, nextOffset: 4, rows: 3, rejected: 0, replayed: 0 },
      ],
    },
  };
  must(stream.accounts[0]).rejected = { 'decode/not_avro': 1 };
  return {
    streams: [stream],
    deadLetters: {
      topic: topic('dead-letter', [2]),
      retained: [{ topic: 'dead-letter', partition: 0, records: 2 }],
      causes: [
        { topic: 'track.raw', partition: 0, stage: 'rules', reason: 'occurred_at_too_old', events: 1 },
        { topic: 'track.raw', partition: 1, stage: 'decode', reason: 'not_avro', events: 1 },
      ],
      repeated: { count: 0, examples: [] },
      lake: table('rejected/dead_letter', 'dead-letter', [[2, 2]]),
    },
    moving: [],
  };
}

/** Sound facts with the content that a deep audit reads. */
export function deepFacts(): AuditFacts {
  const facts = soundFacts();
  const stream = must(facts.streams[0]);
  const none = () => ({ count: 0, examples: [] });
  for (const table of [stream.lakeRaw, must(stream.lakeCurated), facts.deadLetters.lake]) {
    table.content = {
      rows: table.ledger.map(({ partition, rows }) => ({ partition, rows })),
      repeatedOffsets: none(),
      repeatedIds: { ...none(), rows: 0, inSeveralPartitions: none() },
      orphans: none(),
    };
  }
  stream.retained = [
    { topic: 'track.raw', partition: 0, records: 8 },
    { topic: 'track.raw', partition: 1, records: 4 },
    { topic: 'track.enriched', partition: 0, records: 6 },
    { topic: 'track.enriched', partition: 1, records: 3 },
  ];
  must(stream.postgres).rows = 9;
  stream.ids = {
    lakeTable: 'curated/track',
    postgresTable: 'curated.track_event',
    lake: 9,
    postgres: 9,
    onlyInLake: none(),
    onlyInPostgres: none(),
    repeatedInPostgres: none(),
    differing: none(),
  };
  return facts;
}

export function judged(change: (facts: AuditFacts, stream: StreamFacts) => void, facts = soundFacts()) {
  change(facts, must(facts.streams[0]));
  const audit = judge(facts);
  return {
    addsUp: audit.addsUp,
    findings: audit.findings.map(({ verdict, line, message }) => `${verdict}: ${line}: ${message}`),
    audit,
  };
}
