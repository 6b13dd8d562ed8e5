import { must } from '@windrow/runtime/testing';
import fc from 'fast-check';
import type { ColumnBatch } from '../../columns/testing/buffers-from-batch.ts';
import type { ColumnValue, PrimitiveType, ScalarType } from '../../table-schema.ts';
import type { EncoderLimits } from './encoder-limits.ts';

type ArbitraryScalars = ReadonlyMap<ScalarType, fc.Arbitrary<NonNullable<ColumnValue>>>;

/** Any values of flat types that an encoder with these limits must keep. */
export function arbitraryScalars(limits: EncoderLimits): ArbitraryScalars {
  const real = { noNaN: limits.nan === 'refused' };
  const values: Readonly<Record<PrimitiveType, fc.Arbitrary<NonNullable<ColumnValue>>>> = {
    binary: fc.uint8Array({ maxLength: 40 }),
    boolean: fc.boolean(),
    date: fc.integer({ min: -719_162, max: 2_932_896 }),
    double: fc.double(real),
    float: fc.float(real),
    integer: fc.integer(),
    long:
      limits.longs === 'exact' ? fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) : fc.maxSafeInteger(),
    string: fc.string({ unit: 'binary', maxLength: 80 }),
    timestamp:
      limits.earlyTimes === 'exact'
        ? fc.bigInt({ min: -62_135_596_800_000_000n, max: 253_402_300_799_999_999n })
        : fc.bigInt({ min: 0n, max: 253_402_300_799_999_999n }),
  };
  const decimal = (digits: number) => {
    const limit = 10n ** BigInt(digits);
    return fc.bigInt({ min: 1n - limit, max: limit - 1n });
  };
  const decimals =
    limits.decimals === 'refused'
      ? {}
      : { 'decimal(5,2)': decimal(5), 'decimal(18,0)': decimal(18), 'decimal(25,25)': decimal(25) };
  return new Map(Object.entries({ ...values, ...decimals })) as ArbitraryScalars;
}

/** Batches of any flat types, with any values that an encoder with these limits must keep. */
export function arbitraryBatch(limits: EncoderLimits): fc.Arbitrary<ColumnBatch> {
  const ofType = arbitraryScalars(limits);
  const types = [...ofType.keys()];
  return fc
    .record({
      columns: fc.array(fc.record({ type: fc.constantFrom(...types), nullable: fc.boolean() }), {
        minLength: 1,
        maxLength: 6,
      }),
      rowCount: fc.integer({ min: 0, max: 200 }),
      distinct: fc.integer({ min: 1, max: 200 }),
    })
    .chain(({ columns, distinct, rowCount }) =>
      fc
        .tuple(
          ...columns.map(({ nullable, type }) => {
            const value = must(ofType.get(type));
            const cell = nullable ? fc.option(value, { nil: null, freq: 4 }) : value;
            // Few distinct values make dictionaries and runs, many make neither.
            return fc
              .tuple(
                fc.array(cell, { minLength: distinct, maxLength: distinct }),
                fc.array(fc.nat({ max: distinct - 1 }), { minLength: rowCount, maxLength: rowCount }),
              )
              .map(([pool, picks]): ColumnValue[] => picks.map((pick) => pool[pick] ?? null));
          }),
        )
        .map((data) => ({
          schema: { columns: columns.map((column, index) => ({ ...column, name: `column_${index}` })) },
          rowCount,
          columns: data,
        })),
    );
}
