import type { Account } from '@windrow/contracts';

/** An account with its offset in the topic of accounts. */
export type KeptAccount = Account & { offset: number };

/** The facts that an audit compares, as collected from the parts of an installation. */
export interface AuditFacts {
  streams: StreamFacts[];
  deadLetters: DeadLetterFacts;
  /** Topics that got records while the facts were collected. Facts about them may be of different moments. */
  moving: string[];
}

export interface StreamFacts {
  stream: string;
  raw: TopicFacts;
  enriched?: TopicFacts;
  /** The accounts of the raw topic, in any order. */
  accounts: KeptAccount[];
  lakeRaw: LakeTableFacts;
  lakeCurated?: LakeTableFacts;
  postgres?: PostgresFacts;
  /** Only in a deep audit. */
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

/** The ledger entry of a partition, which a sink commits together with the rows. `rows`: all rows since the beginning. */
export interface LedgerLine {
  partition: number;
  nextOffset: number;
  rows: number;
  /** Events that the sink's store rejected. They are dead letters. */
  rejected: number;
  /** Rows that replays have added minus rows that they have removed. It is part of `rows`. */
  replayed: number;
}

export interface LakeTableFacts {
  /** The path in the bucket, for example `curated/track`. */
  path: string;
  /** The topic from which the table is filled. */
  topic: string;
  ledger: LedgerLine[];
  /** Files of the current version of the Delta log. */
  files: number;
  bytes: number;
  rows: number;
  /** Only in a deep audit. */
  content?: LakeContent;
}

/** The content of the Parquet files. */
export interface LakeContent {
  rows: { partition: number; rows: number }[];
  /** Positions (`partition/offset`) that occur more than once. */
  repeatedOffsets: Sample;
  /** Ids that occur more than once. */
  repeatedIds: RepeatedIds;
  /** Parquet files under `date=*` that the log names neither as live nor as removed. */
  orphans: Sample;
}

export interface PostgresFacts {
  table: string;
  /** The topic from which the table is filled. */
  topic: string;
  /** Whether a later record of the same key replaces the row. Then the table has fewer rows than the ledger counts. */
  replaces: boolean;
  ledger: LedgerLine[];
  /** Rows in the table; only in a deep audit. */
  rows?: number;
}

export interface RetainedRecords {
  topic: string;
  partition: number;
  records: number;
}

/** A comparison of the ids and values in a stream's lake table and in its Postgres table. */
export interface IdFacts {
  lakeTable: string;
  postgresTable: string;
  /** Distinct ids of the lake table that should be in Postgres. */
  lake: number;
  postgres: number;
  onlyInLake: Sample;
  onlyInPostgres: Sample;
  repeatedInPostgres: Sample;
  /** Rows of both tables whose values are not equal, with the columns and values. */
  differing: Sample;
}

/** Ids with more than one row. */
export interface RepeatedIds extends Sample {
  /** Rows beyond the first of each id. */
  rows: number;
  /** Those whose rows are of several partitions. */
  inSeveralPartitions: Sample;
}

/** A count and the first few examples. */
export interface Sample {
  count: number;
  examples: string[];
}

export interface DeadLetterFacts {
  topic: TopicFacts;
  /** Records that the topic still holds. */
  retained: RetainedRecords[];
  causes: DeadLetterCause[];
  /** Events with more than one dead letter of the same stage. */
  repeated: Sample;
  lake: LakeTableFacts;
}

/** The dead letters of one input partition and cause. `topic` and `partition` are null for events that never reached Kafka. */
export interface DeadLetterCause {
  topic: string | null;
  partition: number | null;
  stage: string;
  reason: string;
  /** Distinct events. */
  events: number;
}
