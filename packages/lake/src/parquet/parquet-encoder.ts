import type { ColumnBuffers } from '../columns/column-buffers.ts';

/** The rows to encode as one file. Encoders don't change them. */
export interface FileRows {
  readonly buffers: ColumnBuffers;
  /** Row numbers in the file's order. By default all rows, in the buffers' order. */
  readonly order?: Uint32Array;
}

/** An integer beyond 2^53, made by `JSON.rawJSON`: `JSON.stringify` writes all of its digits. */
export interface RawJsonInteger {
  readonly rawJSON: string;
}

export type StatValue = string | number | boolean | RawJsonInteger;

/**
 * Statistics of one file, ready for the `stats` JSON of a Delta `add` action (protocol: "Per-file Statistics").
 * Timestamps are ISO-8601 strings in UTC with milliseconds (`2013-01-01T00:10:00.000Z`), the minimum rounded down and the maximum
 * rounded up; dates are `YYYY-MM-DD`. Long strings are truncated: the minimum to a prefix, the maximum to a string that still sorts
 * after every value. Binary columns and columns
 * without values have no bounds. `nullCount` has every column. Arrays and maps have neither.
 *
 * A file has bounds for all other columns or for none: when one of them has a value that bounds can't represent (NaN,
 * infinities, years beyond 0000–9999), there is neither `minValues` nor `maxValues`. delta-rs treats a single missing bound as
 * one that no value satisfies, and skips the file (delta-rs 1.6, issue 3173); without any bounds it reads the file.
 */
export interface FileStats {
  readonly numRecords: number;
  readonly minValues?: LeafStats<StatValue>;
  readonly maxValues?: LeafStats<StatValue>;
  readonly nullCount: LeafStats<number>;
}

/** A value for each flat column, and an object of the same kind for each struct. */
export interface LeafStats<Value> {
  [column: string]: Value | LeafStats<Value>;
}

/** A finished Parquet file in memory, owned by the caller. */
export interface EncodedFile {
  readonly bytes: Uint8Array;
  readonly stats: FileStats;
  /** Lets the encoder reuse the bytes for its next file; nobody may read them afterwards. Calling it is optional. */
  giveBack?(): void;
}

/** Encodes rows as a Parquet file. Between calls it keeps memory for reuse, but no rows. */
export interface ParquetEncoder {
  readonly name: string;
  /** @throws WindrowError ENCODE_FAILED naming the column */
  encode(rows: FileRows): Promise<EncodedFile>;
}
