import {
  type AvroRecordSchema,
  avroType,
  type EventRecord,
  logicalTypeOf,
  longValue,
  shortestBytes,
  unscaledBytes,
  unscaledOf,
  valueOfJson,
  valueTypes,
} from '@windrow/contracts';
import type { Type, types } from 'avsc';
import { nestedColumnType } from '../columns/nested-type.ts';
import type { MapEntry } from '../table-schema.ts';

type FromLake = (value: unknown) => unknown;

/** The values of unions of several types are JSON text. In a column, a value that is text is itself. */
type UnionFromLake = (union: Type, text: string) => unknown;

/**
 * Converts a row of a table, as hyparquet reads it with {@link exactRows}, to the record that avsc decodes: times to the unit of their
 * field, decimals to bytes, nested values and JSON text to structures. Fields that the row lacks are null, or their default if they
 * can't be null: rows of older files lack the fields that were added later.
 */
export function recordReader(schema: AvroRecordSchema): (row: Record<string, unknown>) => EventRecord {
  return recordFromLake(avroType(schema) as types.RecordType, columnUnion);
}

/** Converts the value of one column, as {@link recordReader} does it. */
export function fieldReader(field: Type): (value: unknown) => unknown {
  return nullable(fromLake(field, columnUnion));
}

function recordFromLake(
  { fields }: types.RecordType,
  fromUnion: UnionFromLake,
): (row: Record<string, unknown>) => EventRecord {
  const readers = fields.map((field) => ({
    ...{ field, fromLake: fromLake(field.type, fromUnion), isNullable: field.type.isValid(null) },
  }));
  return (row) => {
    const record: EventRecord = {};
    for (const { field, fromLake, isNullable } of readers) {
      const value = row[field.name];
      if (value !== null && value !== undefined) record[field.name] = fromLake(value);
      else record[field.name] = isNullable ? null : (field.defaultValue() ?? null);
    }
    return record;
  };
}

/** The function for values that are not null. */
function fromLake(field: Type, fromUnion: UnionFromLake): FromLake {
  const [type, ...others] = valueTypes(field);
  if (type === undefined) return () => null;
  if (others.length > 0) return (value) => fromUnion(field, String(value));
  const logicalType = logicalTypeOf(type)?.name;
  const size = type.typeName === 'fixed' ? (type as types.FixedType).size : undefined;
  switch (type.typeName) {
    case 'array':
    case 'map':
    case 'record': {
      // Tables of older versions have JSON text.
      const nested = nestedColumnType(type) === undefined ? undefined : nestedFromLake(type);
      return (value) =>
        nested === undefined || typeof value === 'string' ? valueOfJson(type, String(value)) : nested(value);
    }
    case 'bytes':
    case 'fixed':
      if (logicalType === 'decimal') {
        return (value) => {
          const unscaled = value instanceof Uint8Array ? unscaledOf(value) : BigInt(value as number | bigint);
          return size === undefined ? shortestBytes(unscaled) : unscaledBytes(unscaled, size);
        };
      }
      if (logicalType === 'uuid' && size !== undefined)
        return (value) => Buffer.from(String(value).replaceAll('-', ''), 'hex');
      return (value) => Buffer.from(value as Uint8Array);
    default:
      return scalarFromLake(logicalType);
  }
}

const dayMs = 86_400_000;

/** Times are a Date or microseconds, dates a Date or days. */
function scalarFromLake(logicalType: string | undefined): FromLake {
  switch (logicalType) {
    case 'timestamp-millis':
      return (value) =>
        value instanceof Date ? value.getTime() : longValue(BigInt(value as bigint) / 1_000n);
    case 'timestamp-micros':
      return (value) =>
        longValue(value instanceof Date ? BigInt(value.getTime()) * 1_000n : BigInt(value as bigint));
    case 'date':
      return (value) => (value instanceof Date ? value.getTime() / dayMs : value);
    default:
      return (value) => (typeof value === 'bigint' ? longValue(value) : value);
  }
}

function nestedFromLake(type: Type): FromLake {
  if (type.typeName === 'array') {
    const item = nullable(fromLake((type as types.ArrayType).itemsType, valueOfJson));
    return (list) => (list as unknown[]).map(item);
  }
  if (type.typeName === 'map') {
    const item = nullable(fromLake((type as types.MapType).valuesType, valueOfJson));
    return (map) =>
      Object.fromEntries((map as readonly MapEntry[]).map(({ key, value }) => [key, item(value)]));
  }
  const toRecord = recordFromLake(type as types.RecordType, valueOfJson);
  return (struct) => toRecord(struct as Record<string, unknown>);
}

function nullable(fromLake: FromLake): FromLake {
  return (value) => (value === null || value === undefined ? null : fromLake(value));
}

/** A text of a union of several types is itself, and all other values are JSON. */
function columnUnion(type: Type, text: string): unknown {
  try {
    return valueOfJson(type, text);
  } catch {
    return text;
  }
}
