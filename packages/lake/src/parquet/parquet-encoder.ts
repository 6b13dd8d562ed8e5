import type { ColumnBuffers } from '../columns/column-buffers.ts';

/** The rows of a file to be. Whoever encodes them only reads them. */
export interface FileRows {
  readonly buffers: ColumnBuffers;
  /** Their numbers in the buffers, in the file's order; without it all of them as they lie. */
  readonly order?: Uint32Array;
}

/** An integer beyond 2^53 as `JSON.rawJSON` makes it: `JSON.stringify` writes its digits, which no number could hold. */
export interface RawJsonInteger {
  readonly rawJSON: string;
}

export type StatValue = string | number | boolean | RawJsonInteger;

/**
 * Statistics of one file, ready for the `stats` JSON of a Delta `add` action (protocol: "Per-file Statistics").
 * Timestamps are ISO-8601 strings in UTC with milliseconds (`2013-01-01T00:10:00.000Z`), dates `YYYY-MM-DD`. Strings may be
 * cut to a prefix for the minimum, and to a prefix that still sorts after every value for the maximum. Columns without
 * values and binary ones have no bounds. `nullCount` has every column.
 *
 * Bounds are told of all other columns or of none: when one of them has a value that no bound can tell (NaN, infinities,
 * years beyond 0000–9999), the file has neither `minValues` nor `maxValues`. delta-rs takes the lack of a single bound for
 * a bound that nothing satisfies and drops the file's rows (delta-rs 1.6, issue 3173); without any it reads them all.
 */
export interface FileStats {
  readonly numRecords: number;
  readonly minValues?: Readonly<Record<string, StatValue>>;
  readonly maxValues?: Readonly<Record<string, StatValue>>;
  readonly nullCount: Readonly<Record<string, number>>;
}

/** A finished Parquet file in memory, owned by whoever asked for it. */
export interface EncodedFile {
  readonly bytes: Uint8Array;
  readonly stats: FileStats;
  /** Gives the bytes to the next file: nobody may read them from then on. Left out, they go to the garbage collector. */
  giveBack?(): void;
}

/** Makes one Parquet file of rows. Keeps no rows between calls, only room for them; throws WindrowError ENCODE_FAILED naming the column. */
export interface ParquetEncoder {
  readonly name: string;
  encode(rows: FileRows): Promise<EncodedFile>;
}
