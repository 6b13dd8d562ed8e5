import { decimalText } from '@windrow/contracts';
import type { LeafType } from '../columns/nested-leaf.ts';
import { decimalOf, isDecimal } from '../decimal.ts';
import type { ColumnValue, ScalarType } from '../table-schema.ts';
import type { FileStats, LeafStats, RawJsonInteger, StatValue } from './parquet-encoder.ts';
import { compareUtf8, lowerBound, upperBound } from './string-order.ts';

type OrderedValue = Exclude<ColumnValue, Uint8Array | null>;

/**
 * The exact minimum and maximum of a column. `undefined`: there are no values. `'unordered'` in place of bounds: readers
 * disagree on the order of the type (binary), or there is a NaN, which some readers sort above all other values.
 */
export type ColumnBounds = { readonly min: OrderedValue; readonly max: OrderedValue } | undefined;

/** The bounds of two parts of a column combined. */
export function mergeBounds(
  left: ColumnBounds | 'unordered',
  right: ColumnBounds | 'unordered',
): ColumnBounds | 'unordered' {
  if (left === 'unordered' || right === 'unordered') return 'unordered';
  if (left === undefined) return right;
  if (right === undefined) return left;
  return {
    min: isBefore(left.min, right.min) ? left.min : right.min,
    max: isBefore(left.max, right.max) ? right.max : left.max,
  };
}

export function isBefore(left: OrderedValue, right: OrderedValue): boolean {
  if (typeof left === 'string' && typeof right === 'string') return compareUtf8(left, right) < 0;
  return left < right;
}

/** Statistics of one column of a file. */
export interface ColumnSummary {
  readonly bounds: ColumnBounds | 'unordered';
  readonly nullCount: number;
}

/**
 * The statistics for a file's Delta `add` action, from those of its leaves in the order of the schema. Leaves of structs are in
 * objects of their own; leaves within arrays and maps have no statistics.
 */
export function fileStats(
  leaves: readonly LeafType[],
  numRecords: number,
  summaries: readonly ColumnSummary[],
): FileStats {
  const minValues: LeafStats<StatValue> = {};
  const maxValues: LeafStats<StatValue> = {};
  const nullCount: LeafStats<number> = {};
  let complete = true;
  leaves.forEach(({ path, repetition, type }, index) => {
    if (repetition > 0) return;
    const { bounds, nullCount: nulls } = summaries[index]!;
    setStat(nullCount, path, nulls);
    if (type === 'binary' || bounds === undefined) return;
    const min = bounds === 'unordered' ? undefined : statValue(type, bounds.min, 'min');
    const max = bounds === 'unordered' ? undefined : statValue(type, bounds.max, 'max');
    if (min === undefined || max === undefined) {
      complete = false;
      return;
    }
    setStat(minValues, path, min);
    setStat(maxValues, path, max);
  });
  const bounded = complete && Object.keys(minValues).length > 0;
  return { numRecords, ...(bounded ? { minValues, maxValues } : {}), nullCount };
}

function setStat<Value>(stats: LeafStats<Value>, path: readonly string[], value: Value): void {
  const [name = '', ...below] = path;
  if (below.length === 0) {
    stats[name] = value;
    return;
  }
  const struct = (stats[name] ?? {}) as LeafStats<Value>;
  setStat(struct, below, value);
  stats[name] = struct;
}

/** A bound as a JSON value; undefined when JSON can't represent it. */
function statValue(type: ScalarType, value: OrderedValue, bound: 'min' | 'max'): StatValue | undefined {
  if (typeof value === 'string') return bound === 'min' ? lowerBound(value) : upperBound(value);
  if (typeof value === 'boolean') return value;
  if (type === 'timestamp') return isoTime(wholeMillis(value, bound));
  if (isDecimal(type)) return rawJson.rawJSON(decimalText(value, decimalOf(type).scale));
  const number = Number(value);
  if (type === 'date') return isoTime(number * 86_400_000)?.slice(0, 10);
  // JSON has no infinities and no negative zero.
  if (type === 'double' || type === 'float') return Number.isFinite(number) ? number + 0 : undefined;
  return Number.isSafeInteger(number) ? number : rawJson.rawJSON(String(value));
}

/** Bounds of times have milliseconds, because readers disagree on more digits. They still enclose all values. */
function wholeMillis(microseconds: number | bigint, bound: 'min' | 'max'): number {
  const us = BigInt(microseconds);
  const rest = ((us % 1_000n) + 1_000n) % 1_000n;
  return Number((us - rest) / 1_000n) + (bound === 'max' && rest > 0n ? 1 : 0);
}

/** Node 24 has `JSON.rawJSON`; TypeScript's library for ES2024 doesn't declare it. */
const rawJson = JSON as JSON & { rawJSON(text: string): RawJsonInteger };

const year0Ms = Date.parse('0000-01-01T00:00:00.000Z');
const year10000Ms = Date.UTC(10_000, 0, 1);

/** Readers of Delta can't parse years outside 0000–9999. */
function isoTime(timeMs: number): string | undefined {
  return timeMs >= year0Ms && timeMs < year10000Ms ? new Date(timeMs).toISOString() : undefined;
}
