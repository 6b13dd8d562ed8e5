import type { ColumnType, ColumnValue, NestedValue } from '../../table-schema.ts';
import { type JsonValue, tell } from './values-as-json.ts';

/** A nested value in the form in which tests compare readers. `told_nested` in tests/readers/told.py uses the same one. */
export type NestedJson = JsonValue | NestedJson[] | { [field: string]: NestedJson };

/** Maps become lists of pairs. */
export function tellNested(type: ColumnType, value: NestedValue): NestedJson {
  if (value === null || value === undefined) return null;
  if (typeof type === 'string') return tell(type, value as ColumnValue);
  switch (type.type) {
    case 'struct': {
      const struct = value as { readonly [field: string]: NestedValue };
      return Object.fromEntries(
        type.fields.map((field) => [field.name, tellNested(field.type, struct[field.name])]),
      );
    }
    case 'array':
      return (value as NestedValue[]).map((item) => tellNested(type.elementType, item));
    case 'map':
      return (value as { key: NestedValue; value: NestedValue }[]).map((entry) => [
        tellNested(type.keyType, entry.key),
        tellNested(type.valueType, entry.value),
      ]);
  }
}
