import { runReader } from './python.ts';

/**
 * Where the lake is: `S3_ENDPOINT`, `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `LAKE_BUCKET`, as in
 * the stack's `stack.env`.
 */
export type LakeEnvironment = Readonly<Record<string, string>>;

/**
 * A row of an answer. Times are ISO 8601 in UTC with milliseconds, dates `YYYY-MM-DD`, bytes hex; integers beyond 2^53,
 * NaN and infinities are text.
 */
export type Row = Readonly<Record<string, unknown>>;

/**
 * Asks a table (`raw/track`) a question in DuckDB's SQL, in which it is the view `t`. The same question can be put to
 * each reader. All throw WindrowError FILE_UNREADABLE with what the reader said.
 */
export type LakeReader = (env: LakeEnvironment, table: string, sql: string) => Promise<readonly Row[]>;

/** The Delta log and the files it names, read by delta-rs and Arrow. */
export const readWithDeltaRs: LakeReader = (env, table, sql) => read('delta-rs', env, table, sql);

/** The Delta log and the files it names, read by DuckDB's delta extension. */
export const readWithDuckDbDelta: LakeReader = (env, table, sql) => read('duckdb-delta', env, table, sql);

/** Whatever Parquet files lie under `date=*`, the Delta log ignored, read by DuckDB. */
export const readFilesWithDuckDb: LakeReader = (env, table, sql) => read('duckdb-files', env, table, sql);

async function read(
  reader: string,
  env: LakeEnvironment,
  table: string,
  sql: string,
): Promise<readonly Row[]> {
  return (await runReader('read-lake.py', [reader, table, sql], env)) as Row[];
}

/** All of them, by name. */
export const lakeReaders: ReadonlyArray<readonly [string, LakeReader]> = [
  ['delta-rs', readWithDeltaRs],
  ['DuckDB on the Delta log', readWithDuckDbDelta],
  ['DuckDB on the files', readFilesWithDuckDb],
];
