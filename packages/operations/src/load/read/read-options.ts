import type { PathStep } from './record-path.ts';

/** How the bytes of a file become records. An absent option is detected from the beginning of the file. */
export interface ReadOptions {
  /** A label of the Encoding standard. `utf-8`, if it is named, rejects lines that are not UTF-8 one by one. */
  encoding?: string;
  /** CSV: the text between two cells. */
  delimiter?: string;
  /** CSV: the character around quoted cells; `none`: no cell is quoted. Default: `"`. */
  quote?: string;
  /** CSV: the sign before the fraction of a number. Default: a point. */
  decimal?: ',' | '.';
  /** JSON, Parquet, Avro: where the records are within each record of the file. */
  path?: readonly PathStep[];
  /** Texts that mean that there is no value. */
  nulls?: readonly string[];
}
