import type { EventRecord } from './contract.ts';
import { hasValue } from './input.ts';

/** Reads a message's values by their paths ({@link import('./contract.ts').MessageLayout}) into the fields' names. */
export function messageReader(
  fields: Record<string, string[]>,
): (message: Record<string, unknown>) => EventRecord {
  const readers = Object.entries(fields).map(([field, paths]) => ({
    field,
    paths: paths.map((path) => path.split('.')),
  }));
  return (message) => {
    const values: EventRecord = {};
    for (const { field, paths } of readers) {
      for (const path of paths) {
        const value = valueAt(message, path);
        if (!hasValue(value)) continue;
        values[field] = value;
        break;
      }
    }
    return values;
  };
}

function valueAt(message: unknown, path: string[]): unknown {
  let value = message;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}
