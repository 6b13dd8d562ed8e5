import { must } from '@windrow/runtime/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ColumnValue, PrimitiveType, TableSchema } from '../table-schema.ts';
import { ColumnBuffers } from './column-buffers.ts';

const types: readonly PrimitiveType[] = [
  'binary',
  'boolean',
  'date',
  'double',
  'float',
  'integer',
  'long',
  'string',
  'timestamp',
];
const schema: TableSchema = { columns: types.map((type) => ({ name: type, type, nullable: true })) };

const anyOf: Readonly<Record<PrimitiveType, fc.Arbitrary<ColumnValue>>> = {
  binary: fc.uint8Array({ maxLength: 20 }),
  boolean: fc.boolean(),
  date: fc.integer(),
  double: fc.double(),
  float: fc.float(),
  integer: fc.integer(),
  long: fc.oneof(fc.maxSafeInteger(), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  string: fc.string({ unit: 'binary', maxLength: 20 }),
  timestamp: fc.maxSafeInteger(),
};

const rowOf = fc.tuple(...types.map((type) => fc.option(anyOf[type], { nil: null })));

function append(buffers: ColumnBuffers, row: readonly ColumnValue[]): void {
  buffers.columns.forEach((column, index) => {
    const value = row[index] ?? null;
    if (value === null) column.appendNull();
    else if (column.kind === 'boolean') column.append(value as boolean);
    else if (column.kind === 'bytes') column.append(value as string | Uint8Array);
    else if (column.kind === 'int64') column.append(value as number | bigint);
    else if (column.kind !== 'nested') column.append(value as number);
  });
}

function rowsOf(buffers: ColumnBuffers): ColumnValue[][] {
  return Array.from({ length: buffers.rowCount }, (_, row) =>
    types.map((_type, column) => buffers.valueAt(column, row)),
  );
}

/** The value as a column returns it: safe integers are numbers, and invalid UTF-16 is replaced. */
function kept(value: ColumnValue): ColumnValue {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (Object.is(value, -0)) return value;
  return typeof value === 'string' ? value.toWellFormed() : value;
}

describe('column buffers', () => {
  test('give back what was appended, after truncation and clearing too', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            { weight: 8, arbitrary: fc.record({ rows: fc.array(rowOf, { maxLength: 30 }) }) },
            { weight: 2, arbitrary: fc.record({ truncate: fc.double({ min: 0, max: 1.5, noNaN: true }) }) },
            { weight: 1, arbitrary: fc.constant('clear' as const) },
          ),
          { maxLength: 20 },
        ),
        (steps) => {
          const buffers = new ColumnBuffers(schema);
          let model: ColumnValue[][] = [];
          for (const step of steps) {
            if (step === 'clear') {
              buffers.clear();
              model = [];
            } else if ('truncate' in step) {
              const rows = Math.floor(step.truncate * model.length);
              buffers.truncate(rows);
              model = model.slice(0, rows);
            } else {
              for (const row of step.rows) {
                append(buffers, row);
                model.push(row.map(kept));
              }
            }
            expect(buffers.rowCount).toBe(model.length);
          }
          // -0 of a long or an integer is stored as 0; -0 of a double is kept.
          const expected = model.map((row) =>
            row.map((value, index) =>
              Object.is(value, -0) && !['double', 'float'].includes(must(types[index])) ? 0 : value,
            ),
          );
          expect(rowsOf(buffers)).toEqual(expected);
        },
      ),
      { numRuns: 50 },
    );
  });

  test('grow beyond their first room with all rows kept', () => {
    const buffers = new ColumnBuffers({
      columns: [
        { name: 'l', type: 'long', nullable: true },
        { name: 's', type: 'string', nullable: true },
        { name: 'd', type: 'double', nullable: true },
      ],
    });
    const [long, text, double] = buffers.columns;
    const rows = 5_000;
    const before = buffers.memoryBytes;
    for (let row = 0; row < rows; row++) {
      if (long?.kind === 'int64') long.append(row * 2 ** 33);
      if (text?.kind === 'bytes') text.append(`text ${row}`);
      if (row % 3 === 0) double?.appendNull();
      else if (double?.kind === 'float64') double.append(row / 3);
    }
    expect(buffers.memoryBytes).toBeGreaterThan(before);
    for (let row = 0; row < rows; row++) {
      expect(buffers.valueAt(0, row)).toBe(row * 2 ** 33);
      expect(buffers.valueAt(1, row)).toBe(`text ${row}`);
      expect(buffers.valueAt(2, row)).toBe(row % 3 === 0 ? null : row / 3);
    }
  });

  test('fill many rows with one value', () => {
    const buffers = new ColumnBuffers(schema);
    for (const column of buffers.columns) {
      if (column.kind === 'bytes') column.fill('windrow', 3_000);
      else if (column.kind === 'int32') column.fill(-7, 3_000);
      else if (column.kind === 'int64') column.fill(-(2 ** 40) - 1, 3_000);
      else column.appendNulls(3_000);
    }
    expect(buffers.rowCount).toBe(3_000);
    for (const row of [0, 1_023, 1_024, 2_999]) {
      expect(buffers.valueAt(types.indexOf('string'), row)).toBe('windrow');
      expect(buffers.valueAt(types.indexOf('integer'), row)).toBe(-7);
      expect(buffers.valueAt(types.indexOf('timestamp'), row)).toBe(-(2 ** 40) - 1);
      expect(buffers.valueAt(types.indexOf('double'), row)).toBeNull();
    }
    const text = buffers.columns[types.indexOf('string')];
    expect(text?.kind === 'bytes' && text.entries.count).toBe(1);
  });

  test.each([
    -(2n ** 63n),
    2n ** 63n - 1n,
    0n,
    -1n,
    2n ** 31n,
    2n ** 31n - 1n,
    -(2n ** 31n) - 1n,
    2n ** 53n - 1n,
    2n ** 53n,
    2n ** 53n + 1n,
    1n - 2n ** 53n,
    -(2n ** 53n) - 1n,
  ])('a long of %s is exact', (long) => {
    const buffers = new ColumnBuffers({ columns: [{ name: 'l', type: 'long', nullable: false }] });
    const [column] = buffers.columns;
    if (column?.kind !== 'int64') throw new Error('not a column of longs');
    column.append(long);
    const isSafe = long <= 2n ** 53n - 1n && long >= 1n - 2n ** 53n;
    if (isSafe) column.append(Number(long));
    else column.appendNull();
    expect(column.values[0]).toBe(long);
    expect(buffers.valueAt(0, 0)).toBe(isSafe ? Number(long) : long);
    expect(buffers.valueAt(0, 1)).toBe(isSafe ? Number(long) : null);
  });
});

test('a time is the millisecond in which it is, rounded down, over the whole range', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (us) => {
      const buffers = new ColumnBuffers({ columns: [{ name: 't', type: 'timestamp', nullable: false }] });
      const [times] = buffers.columns;
      if (times?.kind !== 'int64') throw new Error('not a column of times');
      times.append(us);
      const floored = us / 1_000n - (us % 1_000n < 0n ? 1n : 0n);
      expect(times.millisAt(0)).toBe(Number(floored));
    }),
  );
});
