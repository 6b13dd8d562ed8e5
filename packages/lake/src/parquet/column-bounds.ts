import { WindrowError } from '@windrow/runtime';
import type {
  ColumnBatch,
  ColumnType,
  ColumnValue,
  FileStats,
  RawJsonInteger,
  StatValue,
  TableColumn,
} from '../table-schema.ts';
import { compareUtf8, lowerBound, upperBound } from './string-order.ts';

/** A value that is there: what is left when the nulls are taken out. */
export type PresentValue = Exclude<ColumnValue, null>;
type OrderedValue = Exclude<PresentValue, Uint8Array>;

/**
 * The least and the greatest value of a column, exact. `undefined` in place of the bounds: there is no value, the type
 * has no order that readers agree on (binary), or a NaN is among the values, which some readers sort above all others.
 */
export type ColumnBounds = { readonly min: OrderedValue; readonly max: OrderedValue } | undefined;

/**
 * Checks that each value is of its column's type and finds the bounds. Needs each distinct value once only.
 * @returns the bounds; `'unordered'` when there are values that rule bounds out
 * @throws WindrowError ENCODE_FAILED naming the column; never the value, which may be personal
 */
export function boundsOf(column: TableColumn, values: ArrayLike<PresentValue>): ColumnBounds | 'unordered' {
  if (values.length === 0) return undefined;
  switch (column.type) {
    case 'string':
      return stringBounds(column, values);
    case 'binary':
      for (let i = 0; i < values.length; i++) {
        if (!(values[i] instanceof Uint8Array)) throw wrongValue(column, values[i]!);
      }
      return 'unordered';
    case 'boolean':
      return booleanBounds(column, values);
    case 'double':
    case 'float':
      return floatBounds(column, values);
    default:
      return integerBounds(column, values);
  }
}

function stringBounds(column: TableColumn, values: ArrayLike<PresentValue>): ColumnBounds {
  let min: string | undefined;
  let max: string | undefined;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (typeof value !== 'string') throw wrongValue(column, value!);
    if (min === undefined || max === undefined) min = max = value;
    else if (compareUtf8(value, min) < 0) min = value;
    else if (compareUtf8(value, max) > 0) max = value;
  }
  return { min: min!, max: max! };
}

function booleanBounds(column: TableColumn, values: ArrayLike<PresentValue>): ColumnBounds {
  let min = true;
  let max = false;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (typeof value !== 'boolean') throw wrongValue(column, value!);
    if (value) max = true;
    else min = false;
  }
  return { min, max };
}

function floatBounds(column: TableColumn, values: ArrayLike<PresentValue>): ColumnBounds | 'unordered' {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let ordered = true;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (typeof value !== 'number') throw wrongValue(column, value!);
    if (value < min) min = value;
    if (value > max) max = value;
    if (Number.isNaN(value)) ordered = false;
  }
  if (!ordered) return 'unordered';
  if (column.type === 'float') [min, max] = [Math.fround(min), Math.fround(max)];
  // parquet.thrift: a zero as the minimum is written as -0, as the maximum as +0, since readers may tell them apart.
  return { min: min === 0 ? -0 : min, max: max === 0 ? 0 : max };
}

function integerBounds(column: TableColumn, values: ArrayLike<PresentValue>): ColumnBounds {
  const limit = column.type === 'integer' || column.type === 'date' ? 2 ** 31 : 2 ** 53;
  let min: number | bigint | undefined;
  let max: number | bigint | undefined;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (typeof value === 'number') {
      if (!Number.isSafeInteger(value) || value >= limit || value < -limit) throw wrongValue(column, value);
    } else if (typeof value !== 'bigint' || column.type !== 'long' || BigInt.asIntN(64, value) !== value) {
      throw wrongValue(column, value!);
    }
    if (min === undefined || value < min) min = value;
    if (max === undefined || value > max) max = value;
  }
  return { min: min!, max: max! };
}

/** The bounds of two parts of a column together. */
export function mergeBounds(
  left: ColumnBounds | 'unordered',
  right: ColumnBounds | 'unordered',
): ColumnBounds | 'unordered' {
  if (left === 'unordered' || right === 'unordered') return 'unordered';
  if (left === undefined) return right;
  if (right === undefined) return left;
  return {
    min: before(left.min, right.min) ? left.min : right.min,
    max: before(left.max, right.max) ? right.max : left.max,
  };
}

function before(left: OrderedValue, right: OrderedValue): boolean {
  if (typeof left === 'string' && typeof right === 'string') return compareUtf8(left, right) < 0;
  return left < right;
}

/** What is known of one column of a file. */
export interface ColumnSummary {
  readonly bounds: ColumnBounds | 'unordered';
  readonly nullCount: number;
}

/** The statistics of a file's Delta `add` action from those of its columns, in the order of the schema. */
export function fileStats(batch: ColumnBatch, summaries: readonly ColumnSummary[]): FileStats {
  const minValues: Record<string, StatValue> = {};
  const maxValues: Record<string, StatValue> = {};
  const nullCount: Record<string, number> = {};
  let complete = true;
  batch.schema.columns.forEach(({ name, type }, index) => {
    const { bounds, nullCount: nulls } = summaries[index]!;
    nullCount[name] = nulls;
    if (type === 'binary' || bounds === undefined) return;
    const min = bounds === 'unordered' ? undefined : statValue(type, bounds.min, lowerBound);
    const max = bounds === 'unordered' ? undefined : statValue(type, bounds.max, upperBound);
    if (min === undefined || max === undefined) {
      complete = false;
      return;
    }
    minValues[name] = min;
    maxValues[name] = max;
  });
  const bounded = complete && Object.keys(minValues).length > 0;
  return { numRecords: batch.rowCount, ...(bounded ? { minValues, maxValues } : {}), nullCount };
}

/** A bound as JSON can tell it, undefined where it can't. */
function statValue(
  type: ColumnType,
  value: OrderedValue,
  cut: (value: string) => string | undefined,
): StatValue | undefined {
  if (typeof value === 'string') return cut(value);
  if (typeof value === 'boolean') return value;
  const number = Number(value);
  if (type === 'timestamp') return isoTime(number);
  if (type === 'date') return isoTime(number * 86_400_000)?.slice(0, 10);
  // JSON has neither infinities nor a negative zero.
  if (type === 'double' || type === 'float') return Number.isFinite(number) ? number + 0 : undefined;
  return Number.isSafeInteger(number) ? number : rawJson.rawJSON(String(value));
}

/** Node 24 has it, the library of TypeScript 7 for ES2024 doesn't. */
const rawJson = JSON as JSON & { rawJSON(text: string): RawJsonInteger };

const year0Ms = Date.parse('0000-01-01T00:00:00.000Z');
const year10000Ms = Date.UTC(10_000, 0, 1);

/** Years outside 0000–9999 have no form in ISO 8601 that readers of Delta parse. */
function isoTime(timeMs: number): string | undefined {
  return timeMs >= year0Ms && timeMs < year10000Ms ? new Date(timeMs).toISOString() : undefined;
}

/** The error for a value that its column can't hold. */
export function wrongValue(column: TableColumn, value: ColumnValue): WindrowError {
  const got =
    value instanceof Uint8Array
      ? 'bytes'
      : value === null
        ? 'null'
        : typeof value === 'number'
          ? numberKind(value)
          : `a ${typeof value}`;
  return new WindrowError(
    'ENCODE_FAILED',
    `column ${column.name} of type ${column.type} got ${got}: correct the step that fills it`,
  );
}

function numberKind(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : 'an infinity';
  return Number.isInteger(value) ? 'an integer out of range' : 'a number with a fraction';
}

/** The error for a column with fewer or more values than its batch has rows. */
export function wrongLength(column: TableColumn, length: number | undefined, rowCount: number): WindrowError {
  return new WindrowError(
    'ENCODE_FAILED',
    `column ${column.name} has ${length ?? 'no'} values for ${rowCount} rows: correct the step that fills it`,
  );
}
