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

type FromLake = (value: unknown) => unknown;

/**
 * Converts a row of a table, as hyparquet reads it with {@link withoutDecimals}, to the record that avsc decodes: times to the unit of their field,
 * decimals to bytes, JSON text to structures. Columns that the row lacks are null.
 */
export function recordReader(schema: AvroRecordSchema): (row: Record<string, unknown>) => EventRecord {
  const fields = (avroType(schema) as types.RecordType).fields.map(({ name, type }) => ({
    name,
    fromLake: fromLake(type),
  }));
  return (row) => {
    const record: EventRecord = {};
    for (const { name, fromLake } of fields) {
      const value = row[name];
      record[name] = value === null || value === undefined ? null : fromLake(value);
    }
    return record;
  };
}

function fromLake(field: Type): FromLake {
  const [type, ...others] = valueTypes(field);
  if (type === undefined) return () => null;
  if (others.length > 0) return (value) => unionValue(field, String(value));
  const logicalType = logicalTypeOf(type)?.name;
  const size = type.typeName === 'fixed' ? (type as types.FixedType).size : undefined;
  switch (type.typeName) {
    case 'array':
    case 'map':
    case 'record':
      return (value) => valueOfJson(type, String(value));
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

/** A text of a union of several types is itself, and all other values are JSON. */
function unionValue(type: Type, text: string): unknown {
  try {
    return valueOfJson(type, text);
  } catch {
    return text;
  }
}
