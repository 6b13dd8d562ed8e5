import type { PartName, ServiceName } from '@windrow/stack';

export interface Bench {
  what: string;
  /** The path of the script from the repository's root. It reports through `ReportWriter`. */
  script: string;
  /** The service that runs in the script's process, which is set up like the service's own process. */
  service?: ServiceName;
  /** The parts of the stack that it needs; each benchmark has its own stack. */
  parts: PartName[];
  /** The tables of docs/performance.md that it can write; its arguments select them. */
  tables: string[];
  /** Its arguments when all benchmarks run, for less than a minute. */
  small: string[];
}

export const benches: Record<string, Bench> = {
  encode: {
    what: 'Parquet encoders: columns to a file; [rows] [encoder]',
    script: 'packages/lake/bench/encode.ts',
    parts: [],
    tables: ['encode'],
    small: ['50000'],
  },
  decode: {
    what: 'Avro: into columns, beside avsc; [rows]',
    script: 'packages/lake/bench/decode.ts',
    parts: [],
    tables: ['decode'],
    small: ['100000'],
  },
  lake: {
    what: 'the lake sink, from Kafka to Delta on S3, beside others; --help',
    script: 'tests/bench/lake.ts',
    parts: ['kafka', 'registry', 's3'],
    tables: ['lake', 'lake-windows', 'lake-backlog'],
    small: ['--events', '100000'],
  },
  profile: {
    what: "where the lake sink's time goes; [events]",
    script: 'tests/bench/lake-profile.ts',
    parts: ['kafka', 'registry', 's3'],
    tables: ['profile'],
    small: ['50000'],
  },
  commits: {
    what: 'whether a long Delta log slows commits down; [commits]',
    script: 'tests/bench/commits.ts',
    parts: ['s3'],
    tables: ['commits'],
    small: ['100'],
  },
  fetch: {
    what: 'fetching from Kafka, as objects and as record batches; [records] [partitions] [rounds]',
    script: 'packages/pipeline/bench/fetch.ts',
    parts: ['kafka'],
    tables: ['fetch'],
    small: ['100000', '4', '1'],
  },
  enricher: {
    what: 'the enricher, from Kafka to Kafka; [times the flights] [partitions] [ids remembered]',
    script: 'services/enricher/bench/throughput.ts',
    service: 'enricher',
    parts: ['kafka', 'registry'],
    tables: ['enricher'],
    small: ['2', '4', '1000000'],
  },
  postgres: {
    what: 'the Postgres sink, from Kafka to the tables, beside a bare COPY; [events] [micro-batch rows]',
    script: 'services/postgres-sink/bench/land.ts',
    service: 'postgres-sink',
    parts: ['kafka', 'registry', 'postgres'],
    tables: ['postgres'],
    small: ['60000'],
  },
  http: {
    what: 'the producer over HTTP, beside bare servers; [seconds]',
    script: 'tests/bench/http.ts',
    parts: ['kafka', 'registry'],
    tables: ['http'],
    small: ['1'],
  },
  freshness: {
    what: 'from acknowledged to readable, in Postgres and in the lake; --help',
    script: 'tests/bench/freshness.ts',
    parts: ['kafka', 'registry', 's3', 'postgres'],
    tables: ['freshness'],
    small: ['--seconds', '5', '--lake-age', '3'],
  },
  replay: {
    what: 'a replay, beside the first landing of the same events; [events]',
    script: 'tests/bench/replay.ts',
    parts: ['kafka', 'registry', 's3', 'postgres'],
    tables: ['replay'],
    small: ['10000'],
  },
};
