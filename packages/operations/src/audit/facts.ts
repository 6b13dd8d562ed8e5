import type { Account } from '@windrow/contracts';

/** An account, and its offset in the accounts' topic. */
export type KeptAccount = Account & { offset: number };

/** What the audit knows of an installation: collected from its parts, without a judgement. Offsets and counts are numbers. */
export interface AuditFacts {
  streams: StreamFacts[];
  deadLetters: DeadLetterFacts;
  /** Topics whose ends moved while the facts were collected: whatever concerns them may not fit together. */
  moving: string[];
}

export interface StreamFacts {
  stream: string;
  raw: TopicFacts;
  enriched?: TopicFacts;
  /** Of the raw topic, in any order. */
  accounts: KeptAccount[];
  lakeRaw: LakeTableFacts;
  lakeCurated?: LakeTableFacts;
  postgres?: PostgresFacts;
  /** Only of a deep audit. */
  retained?: RetainedRecords[];
  ids?: IdFacts;
}

export interface TopicFacts {
  name: string;
  /** A compacted topic loses records that were replaced, so what is retained may be less than what was consumed. */
  compacted: boolean;
  partitions: PartitionSpan[];
}

/** The retained offsets: `start ≤ offset < end`. */
export interface PartitionSpan {
  partition: number;
  start: number;
  end: number;
}

/** What a sink says of a partition, written together with its rows. `rows`: landed since the beginning. */
export interface LedgerLine {
  partition: number;
  nextOffset: number;
  rows: number;
  /** Events that the sink's store refused; they are dead letters. */
  rejected: number;
  /** Of the rows, what replays have added, less what they have taken away. */
  replayed: number;
}

export interface LakeTableFacts {
  /** Below the bucket, for example `curated/track`. */
  path: string;
  /** The topic it is made from. */
  topic: string;
  ledger: LedgerLine[];
  /** Of the current version of its Delta log. */
  files: number;
  bytes: number;
  rows: number;
  /** Only of a deep audit. */
  content?: LakeContent;
}

/** What the Parquet files themselves hold. */
export interface LakeContent {
  rows: { partition: number; rows: number }[];
  /** Positions (`partition/offset`) that are there more than once. */
  repeatedOffsets: Sample;
  /** Ids that are there more than once. */
  repeatedIds: Sample;
  /** Parquet files under `date=*` that the log names neither as live nor as removed. */
  orphans: Sample;
}

export interface PostgresFacts {
  table: string;
  /** The topic it is made from. */
  topic: string;
  /** Whether a later record of the same key replaces the row: then the table has fewer rows than landed. */
  replaces: boolean;
  ledger: LedgerLine[];
  /** Rows in the table; only of a deep audit. */
  rows?: number;
}

export interface RetainedRecords {
  topic: string;
  partition: number;
  records: number;
}

/** The ids of a stream's lake table held against those of its Postgres table. */
export interface IdFacts {
  lakeTable: string;
  postgresTable: string;
  /** Different ids that ought to be in Postgres, by the lake. */
  lake: number;
  postgres: number;
  onlyInLake: Sample;
  onlyInPostgres: Sample;
  repeatedInPostgres: Sample;
}

/** How many, and the first few of them. */
export interface Sample {
  count: number;
  examples: string[];
}

export interface DeadLetterFacts {
  topic: TopicFacts;
  /** Records that the topic still holds. */
  retained: RetainedRecords[];
  causes: DeadLetterCause[];
  /** Events with more than one of the same stage. */
  repeated: Sample;
  lake: LakeTableFacts;
}

/** The dead letters of one input partition and cause. `topic` and `partition` are null for what never reached Kafka. */
export interface DeadLetterCause {
  topic: string | null;
  partition: number | null;
  stage: string;
  reason: string;
  /** Different events. */
  events: number;
}
