import { WindrowError } from '@windrow/runtime';
import type { Type, types } from 'avsc';
import { appendValue } from './append-value.ts';
import { viewOf } from './byte-entries.ts';
import { ColumnBuffers } from './column-buffers.ts';
import { type ColumnPlan, decodeFunction, type WriterField } from './decode-function.ts';
import { planOf } from './field-plan.ts';
import { jsonReader } from './json-field.ts';
import type { RecordDecoder, ResolvedSchemas } from './record-decoder.ts';
import { findEndOf } from './value-end.ts';

/** A decoder with code that is generated for the two schemas. The writer's schema must be a record. */
export function generatedDecoder(schemas: ResolvedSchemas): RecordDecoder {
  const { reader, schema } = schemas;
  const writer = schemas.writer as types.RecordType;
  const writersOf = reader.fields.map((field, index) => {
    if (schemas.resolver === undefined) return index;
    const names = [field.name, ...field.aliases];
    return writer.fields.findIndex(({ name }) => names.includes(name));
  });
  const fields = writer.fields.map(({ type }, index): WriterField => {
    const columns = writersOf.flatMap((at, column) => (at === index ? [column] : []));
    if (columns.length === 0) return { columns: [], findEnd: findEndOf(type, 'skipped') };
    return { columns: columns.map((column) => columnPlan(schemas, type, column)) };
  });
  const defaults = reader.fields.flatMap((field, column) =>
    writersOf[column] === -1 ? [{ column, value: field.defaultValue() as unknown }] : [],
  );
  const kinds = new ColumnBuffers(schema).columns.map(({ kind }) => kind);
  const decode = decodeFunction(fields, kinds);
  const columnCount = reader.fields.length;
  return {
    isGenerated: true,
    fallbackReason: undefined,
    decode(source, starts, ends, from, to, { columns }) {
      const firstRow = columns[0]?.rows ?? 0;
      for (let at = 0; at < columnCount; at++) columns[at]!.reserve(firstRow + to - from);
      const buffer = Buffer.from(source.buffer, source.byteOffset, source.byteLength);
      const next = decode(source, buffer, viewOf(source), starts, ends, from, to, columns, firstRow);
      for (const { column, value } of defaults)
        appendValue(columns[column]!, value, schema.columns[column]!, next - from);
      for (let at = 0; at < columnCount; at++) columns[at]!.rows = firstRow + next - from;
      return next;
    },
  };
}

function columnPlan({ reader, resolver, schema }: ResolvedSchemas, writer: Type, column: number): ColumnPlan {
  const { name, type } = reader.fields[column]!;
  const tableColumn = schema.columns[column]!;
  const plan = planOf(writer, type, tableColumn);
  if (plan === undefined) {
    const message = `column ${name} is of type ${tableColumn.type}, but its Avro field is ${type.typeName}: derive the table's schema from the reader's Avro schema`;
    throw new WindrowError('CONTRACT_INVALID', message);
  }
  const fieldResolver = resolver === undefined ? undefined : type.createResolver(writer);
  return {
    column,
    plan,
    readJson: plan.read === 'json' ? jsonReader(writer, type, fieldResolver) : undefined,
  };
}
