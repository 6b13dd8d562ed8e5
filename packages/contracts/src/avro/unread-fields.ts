import type { Type, types } from 'avsc';
import { parseExactJson } from '../json/exact-json.ts';
import { isJsonObject } from '../json/json-column.ts';
import { scanJson } from '../json/json-scan.ts';
import { extraField } from '../quality.ts';
import { jsonWriter } from './avro-json.ts';
import type { EventRecord } from './avro-record.ts';

/** Adds fields of the writer's bytes, which begin at `offset`, to `_extra` of the record that was decoded from them. */
export type AddUnread = (record: EventRecord, bytes: Buffer, offset: number) => void;

/** The top-level fields of a writer's schema that a reader's schema with `_extra` lacks. */
export function unreadFields(writer: Type, reader: Type): string[] {
  if (writer.typeName !== 'record' || reader.typeName !== 'record') return [];
  const { fields } = reader as types.RecordType;
  if (!fields.some(({ name }) => name === extraField)) return [];
  const read = new Set(fields.flatMap(({ name, aliases }) => [name, ...aliases]));
  return (writer as types.RecordType).fields.map(({ name }) => name).filter((name) => !read.has(name));
}

/**
 * Reads the unread fields by the writer's schema. That decodes the record a second time, so it is only for schemas with such fields.
 * @returns undefined for a schema without them
 */
export function unreadFieldsAdder(writer: Type, reader: Type): AddUnread | undefined {
  const unread = new Set(unreadFields(writer, reader));
  if (unread.size === 0) return undefined;
  const fields = (writer as types.RecordType).fields
    .filter(({ name }) => unread.has(name))
    .map(({ name, type }) => ({ name, start: `${JSON.stringify(name)}:`, write: jsonWriter(type) }));
  return (record, bytes, offset) => {
    const written = (writer.decode(bytes, offset) as { value: EventRecord }).value;
    const members = fields
      .filter(({ name }) => written[name] !== null)
      .map(({ name, start, write }) => start + storableJson(write(written[name])));
    if (members.length > 0) record[extraField] = withMembers(record[extraField], members.join(','), unread);
  };
}

/** An `_extra` of the writer that is no JSON object stays, so that the record is rejected for it. */
function withMembers(extra: unknown, members: string, names: ReadonlySet<string>): unknown {
  if (typeof extra !== 'string') return `{${members}}`;
  const own = parsed(extra);
  if (!isJsonObject(own)) return extra;
  const others = Object.entries(own).filter(([name]) => !names.has(name));
  if (others.length === 0) return `{${members}}`;
  return `${JSON.stringify(Object.fromEntries(others)).slice(0, -1)},${members}}`;
}

function parsed(text: string): unknown {
  const bytes = Buffer.from(text);
  try {
    return parseExactJson(bytes, scanJson(bytes));
  } catch {
    return undefined;
  }
}

/** Replaces U+0000, for which Postgres has no place. Avro's texts have no half of a surrogate pair. */
function storableJson(json: string): string {
  return json.includes('\\u0000')
    ? json.replaceAll(/\\(?:u0000|.)/g, (sequence) => (sequence === '\\u0000' ? '\ufffd' : sequence))
    : json;
}
