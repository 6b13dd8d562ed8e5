import { type EventRecord, longValue, type StreamContract } from '@windrow/contracts';

/**
 * Converts a row of a raw table, as `readRows` returns it, to the record that avsc decodes: times to the unit of their field, JSON
 * text to structures. Columns that the row lacks are null.
 */
export function recordReader({ schema }: StreamContract): (row: Record<string, unknown>) => EventRecord {
  const fields = schema.fields.map(({ name, type }) => ({
    name,
    isJson: isStructured(type),
    isBytes: isBytes(type),
    isMicros: isMicros(type),
  }));
  return (row) => {
    const record: EventRecord = {};
    for (const { name, isJson, isBytes, isMicros } of fields) {
      const value = row[name];
      if (value === null || value === undefined) record[name] = null;
      else if (value instanceof Date)
        record[name] = isMicros ? longValue(BigInt(value.getTime()) * 1_000n) : value.getTime();
      else if (typeof value === 'bigint') record[name] = longValue(value);
      else if (isJson) record[name] = JSON.parse(String(value));
      else if (isBytes) record[name] = Buffer.from(value as Uint8Array);
      else record[name] = value;
    }
    return record;
  };
}

function isMicros(type: unknown): boolean {
  if (Array.isArray(type)) return type.some(isMicros);
  if (typeof type !== 'object' || type === null) return false;
  const { logicalType, type: inner } = type as { logicalType?: unknown; type: unknown };
  return logicalType === 'timestamp-micros' || isMicros(inner);
}

function baseOf(type: unknown): unknown {
  if (Array.isArray(type)) {
    const others = type.filter((branch) => branch !== 'null');
    return others.length === 1 ? baseOf(others[0]) : 'union';
  }
  return typeof type === 'object' && type !== null ? baseOf((type as { type: unknown }).type) : type;
}

const isStructured = (type: unknown): boolean =>
  ['map', 'array', 'record', 'union'].includes(String(baseOf(type)));
const isBytes = (type: unknown): boolean => ['bytes', 'fixed'].includes(String(baseOf(type)));
