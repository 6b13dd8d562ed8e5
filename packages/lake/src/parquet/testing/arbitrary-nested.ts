import { must } from '@windrow/runtime/testing';
import fc from 'fast-check';
import type { ColumnType, NestedType, NestedValue, TableColumn } from '../../table-schema.ts';
import { arbitraryScalars } from './arbitrary-batch.ts';
import { limitsOf } from './encoder-limits.ts';

export interface NestedBatch {
  readonly columns: readonly (TableColumn & { readonly type: NestedType })[];
  /** For each column, a value for each row. */
  readonly values: readonly NestedValue[][];
}

const scalars = arbitraryScalars(limitsOf.columnar);
const maxDepth = 3;

/** Batches of up to three columns of any nested types. */
export const arbitraryNestedBatch: fc.Arbitrary<NestedBatch> = fc
  .array(fc.record({ type: nestedType(maxDepth), nullable: fc.boolean() }), { minLength: 1, maxLength: 3 })
  .map((columns) => columns.map((column, index) => ({ ...column, name: `column_${index}` })))
  .chain((columns) =>
    fc
      .integer({ min: 0, max: 30 })
      .chain((rows) =>
        fc
          .tuple(
            ...columns.map(({ nullable, type }) =>
              fc.array(anyValue(type, nullable), { minLength: rows, maxLength: rows }),
            ),
          )
          .map((values) => ({ columns, values })),
      ),
  );

function typeOf(depth: number): fc.Arbitrary<ColumnType> {
  const scalar = fc.constantFrom(...scalars.keys());
  return depth === 0 ? scalar : fc.oneof<fc.Arbitrary<ColumnType>[]>(scalar, nestedType(depth));
}

function nestedType(depth: number): fc.Arbitrary<NestedType> {
  const below = typeOf(depth - 1);
  const field = fc.record({ type: below, nullable: fc.boolean() });
  const fields = fc.array(field, { minLength: 1, maxLength: 3 });
  return fc.oneof<fc.Arbitrary<NestedType>[]>(
    fields.map((all) => ({
      type: 'struct',
      fields: all.map((each, index) => ({ ...each, name: `field ${index}` })),
    })),
    fc.record({ type: fc.constant('array'), elementType: below, containsNull: fc.boolean() }),
    fc.record({
      type: fc.constant('map'),
      keyType: fc.constant('string'),
      valueType: below,
      valueContainsNull: fc.boolean(),
    }),
  );
}

function anyValue(type: ColumnType, nullable: boolean): fc.Arbitrary<NestedValue> {
  const value = presentValue(type);
  return nullable ? fc.option(value, { nil: null, freq: 4 }) : value;
}

function presentValue(type: ColumnType): fc.Arbitrary<NestedValue> {
  if (typeof type === 'string') return must(scalars.get(type));
  switch (type.type) {
    case 'struct':
      return fc.record(
        Object.fromEntries(type.fields.map((field) => [field.name, anyValue(field.type, field.nullable)])),
      );
    case 'array':
      return fc.array(anyValue(type.elementType, type.containsNull), { maxLength: 4 });
    case 'map': {
      const entry = fc.record({
        key: anyValue(type.keyType, false),
        value: anyValue(type.valueType, type.valueContainsNull),
      });
      return fc.uniqueArray(entry, { maxLength: 3, selector: ({ key }) => key });
    }
  }
}
