import { unscaledBytes } from '@windrow/contracts';
import type { ColumnMetaData } from 'hyparquet';
import type { PageColumnIndex } from 'hyparquet-writer/src/types.js';
import { decimalOf, decimalStorage, isDecimal } from '../decimal.ts';
import type { ScalarType } from '../table-schema.ts';
import { type ColumnSummary, isBefore } from './column-bounds.ts';
import type { PageSummary } from './page.ts';
import { lowerBound, upperBound } from './string-order.ts';

/** A column chunk's statistics for the footer. Long strings are truncated. */
export function footerStatistics(
  type: ScalarType,
  { bounds, nullCount }: ColumnSummary,
): NonNullable<ColumnMetaData['statistics']> {
  const counted = { null_count: BigInt(nullCount) };
  if (bounds === undefined || bounds === 'unordered') return counted;
  if (typeof bounds.min !== 'string' || typeof bounds.max !== 'string') {
    // The library would scale decimals that are numbers.
    const stored = (value: typeof bounds.min) => (isDecimal(type) ? BigInt(value) : value);
    return { ...counted, min_value: stored(bounds.min), max_value: stored(bounds.max) };
  }
  const min = lowerBound(bounds.min);
  const max = upperBound(bounds.max);
  return {
    ...counted,
    min_value: min,
    is_min_value_exact: min === bounds.min,
    ...(max === undefined ? {} : { max_value: max, is_max_value_exact: max === bounds.max }),
  };
}

/**
 * The column index of a chunk: the bounds of its pages (parquet-format, PageIndex.md). Undefined when a page with values has no
 * bounds: readers would skip that page, or reject the index.
 */
export function columnIndex(type: ScalarType, pages: readonly PageSummary[]): PageColumnIndex | undefined {
  const minValues: Uint8Array[] = [];
  const maxValues: Uint8Array[] = [];
  let former: Exclude<PageSummary['bounds'], 'unordered'>;
  let ascends = true;
  for (const { bounds } of pages) {
    if (bounds === 'unordered') return undefined;
    if (bounds === undefined) {
      minValues.push(new Uint8Array());
      maxValues.push(new Uint8Array());
      continue;
    }
    const max = typeof bounds.max === 'string' ? upperBound(bounds.max) : bounds.max;
    if (max === undefined) return undefined;
    minValues.push(boundBytes(type, typeof bounds.min === 'string' ? lowerBound(bounds.min) : bounds.min));
    maxValues.push(boundBytes(type, max));
    if (former !== undefined && (isBefore(bounds.min, former.min) || isBefore(bounds.max, former.max)))
      ascends = false;
    former = bounds;
  }
  return {
    null_pages: pages.map(({ bounds }) => bounds === undefined),
    min_values: minValues,
    max_values: maxValues,
    boundary_order: ascends ? 'ASCENDING' : 'UNORDERED',
    null_counts: pages.map(({ nullCount }) => BigInt(nullCount)),
  };
}

/** A bound in PLAIN encoding. */
function boundBytes(type: ScalarType, value: string | number | bigint | boolean): Uint8Array {
  if (typeof value === 'string') return Buffer.from(value);
  if (typeof value === 'boolean') return Uint8Array.of(value ? 1 : 0);
  if (isDecimal(type)) {
    const storage = decimalStorage(decimalOf(type));
    if (typeof storage === 'object') return unscaledBytes(BigInt(value), storage.bytes);
    return integerBytes(value, storage === 'int32' ? 4 : 8);
  }
  if (type === 'integer' || type === 'date') return integerBytes(value, 4);
  if (type !== 'double' && type !== 'float') return integerBytes(value, 8);
  const bytes = Buffer.alloc(type === 'float' ? 4 : 8);
  if (type === 'double') bytes.writeDoubleLE(Number(value));
  else bytes.writeFloatLE(Number(value));
  return bytes;
}

function integerBytes(value: number | bigint, size: 4 | 8): Uint8Array {
  const bytes = Buffer.alloc(size);
  if (size === 4) bytes.writeInt32LE(Number(value));
  else bytes.writeBigInt64LE(BigInt(value));
  return bytes;
}
