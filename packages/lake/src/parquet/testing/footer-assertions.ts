import { must } from '@windrow/runtime/testing';
import { expect } from 'vitest';
import { flatType } from '../../columns/testing/buffers-from-batch.ts';
import { isDecimal } from '../../decimal.ts';
import type { TableColumn } from '../../table-schema.ts';
import type { EncoderCase } from './encoder-cases.ts';
import type { EncoderLimits } from './encoder-limits.ts';
import type { JsonValue, TableAsRead } from './values-as-json.ts';

/** The part of a file's footer that a reader uses. */
export interface RowGroupAsRead {
  readonly rows: number;
  readonly columns: Readonly<Record<string, { nulls?: number; min?: JsonValue; max?: JsonValue }>>;
}

/** The numbers of rows and nulls add up. */
export function expectFooterCounts(
  rowGroups: readonly RowGroupAsRead[],
  values: TableAsRead['values'],
  { batch }: EncoderCase,
  limits: EncoderLimits,
): void {
  expect(rowGroups.reduce((rows, group) => rows + group.rows, 0)).toBe(batch.rowCount);
  for (const column of batch.schema.columns) {
    if (limits.withoutFooterBounds.includes(flatType(column.type))) continue;
    const counted = rowGroups.reduce(
      (sum, group) => sum + (must(group.columns[column.name]).nulls ?? Number.NaN),
      0,
    );
    expect(counted, column.name).toBe(must(values[column.name]).filter((v) => v === null).length);
  }
}

/** Every value is within the bounds of its row group, and statistics that are exact for the file are exact there, too. */
export function expectFooterBounds(
  rowGroups: readonly RowGroupAsRead[],
  values: TableAsRead['values'],
  { batch, unbounded }: EncoderCase,
  limits: EncoderLimits,
): void {
  for (const column of batch.schema.columns) {
    let first = 0;
    for (const { columns, rows } of rowGroups) {
      const ofGroup = must(values[column.name])
        .slice(first, first + rows)
        .filter((v) => v !== null);
      first += rows;
      const { max, min } = must(columns[column.name]);
      const without = limits.withoutFooterBounds.includes(flatType(column.type)) || column.type === 'binary';
      if (without || ofGroup.length === 0 || unbounded?.includes(column.name)) {
        expect([min, max], column.name).toEqual([undefined, undefined]);
        continue;
      }
      expect(min, column.name).toBeDefined();
      expect(max, column.name).toBeDefined();
      for (const value of ofGroup) {
        if (compare(column, value, must(min)) < 0 || compare(column, value, must(max)) > 0) {
          expect.fail(`${column.name}: ${value} is not within ${min} and ${max}`);
        }
      }
    }
  }
}

function compare({ type }: TableColumn, left: JsonValue, right: JsonValue): number {
  if (type === 'string') return Buffer.compare(Buffer.from(String(left)), Buffer.from(String(right)));
  if (isDecimal(type)) return Number(unscaled(left) - unscaled(right));
  if (type === 'double' || type === 'float' || type === 'boolean') return Number(left) - Number(right);
  return Number(BigInt(String(left)) - BigInt(String(right)));
}

const unscaled = (decimal: JsonValue): bigint => BigInt(String(decimal).replace('.', ''));
