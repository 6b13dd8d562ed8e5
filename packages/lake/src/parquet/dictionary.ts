import type { ColumnType } from '../table-schema.ts';
import type { PresentValue } from './column-bounds.ts';

/** The distinct values of a column chunk in the order of their first use, and for each value its place among them. */
export interface Dictionary {
  readonly entries: readonly PresentValue[];
  readonly indexes: Uint16Array;
  /** Bits that an index takes, 1–16. */
  readonly bitWidth: number;
}

const maxEntries = 65_536;
const maxEntryBytes = 4 * 2 ** 20;
/** How many values to look at between two decisions whether to go on. */
const trialValues = 4_096;

/** The largest share of distinct values at which a dictionary makes the file smaller; none for the types left out. */
const distinctShare: Readonly<Partial<Record<ColumnType, number>>> = {
  date: 1 / 4,
  double: 1 / 4,
  float: 1 / 4,
  integer: 1 / 4,
  long: 1 / 4,
  string: 1 / 2,
  timestamp: 1 / 4,
};

/** A dictionary of the values, or undefined where it doesn't pay. Gives up early on columns of unique values. */
export function buildDictionary(type: ColumnType, values: ArrayLike<PresentValue>): Dictionary | undefined {
  const share = distinctShare[type];
  if (share === undefined || values.length < 2) return undefined;
  const places = new Map<PresentValue, number>();
  const entries: PresentValue[] = [];
  const indexes = new Uint16Array(values.length);
  let entryBytes = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    // A map takes -0 and 0 for the same key, and the file must not.
    if (value === 0 && Object.is(value, -0)) return undefined;
    let place = places.get(value);
    if (place === undefined) {
      place = entries.length;
      if (typeof value === 'string') entryBytes += value.length;
      if (place === maxEntries || entryBytes > maxEntryBytes) return undefined;
      places.set(value, place);
      entries.push(value);
    }
    indexes[i] = place;
    if ((i + 1) % trialValues === 0 && entries.length > share * (i + 1)) return undefined;
  }
  if (entries.length > share * values.length) return undefined;
  return { entries, indexes, bitWidth: Math.max(1, 32 - Math.clz32(entries.length - 1)) };
}
