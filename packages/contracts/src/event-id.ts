import { v5 as uuidv5 } from 'uuid';
import { jsonText } from './json/json-text.ts';
import { NumberText } from './json/number-text.ts';

/** The namespace of ids that are made from content. If it changed, the same input would get another id. */
const namespace = '6f2d8f5e-8a3c-5c0e-9d5b-0b6c1f0a7d11';

/** A UUIDv5 of the content: the same input gives the same id, in any order of its keys. */
export function contentId(stream: string, content: unknown): string {
  return uuidv5(`${stream}\n${canonical(content)}`, namespace);
}

function canonical(value: unknown): string {
  if (value instanceof NumberText) return value.sourceText;
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
    entries.sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join(',')}}`;
  }
  return jsonText(value) ?? 'null';
}
