import { WindrowError } from '@windrow/runtime';
import type { Type, types } from 'avsc';
import { type NestedType, type ScalarType, typeName } from '../table-schema.ts';
import { viewOf } from './byte-entries.ts';
import { type Column, ColumnBuffers } from './column-buffers.ts';
import { type ColumnPlan, decodeFunction, type WriterField } from './decode-function.ts';
import { type FieldPlan, planOf } from './field-plan.ts';
import { jsonReader } from './json-field.ts';
import { nestedReader } from './nested-field.ts';
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
  const kinds = new ColumnBuffers(schema).columns.map(({ kind }) => kind);
  const defaults = reader.fields.flatMap((_, column) =>
    writersOf[column] === -1 ? [defaultFiller(schemas, column, kinds)] : [],
  );
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
      for (const fill of defaults) fill(columns, firstRow, next - from);
      for (let at = 0; at < columnCount; at++) columns[at]!.rows = firstRow + next - from;
      return next;
    },
  };
}

type Fill = (columns: readonly Column[], firstRow: number, count: number) => void;

/** Fills rows with the default of a field that the writer's schema lacks. */
function defaultFiller(schemas: ResolvedSchemas, column: number, kinds: readonly Column['kind'][]): Fill {
  const field = schemas.reader.fields[column]!;
  const value = field.defaultValue() as unknown;
  if (value === null && kinds[column] !== 'nested') {
    return (columns, firstRow, count) => void columns[column]!.present.fill(0, firstRow, firstRow + count);
  }
  const bytes = field.type.toBuffer(value);
  const own = { ...schemas, resolver: undefined };
  const decode = decodeFunction([{ columns: [columnPlan(own, field.type, column)] }], kinds);
  return (columns, firstRow, count) => {
    const [starts, ends] = [new Int32Array(count), new Int32Array(count).fill(bytes.length)];
    decode(bytes, bytes, viewOf(bytes), starts, ends, 0, count, columns, firstRow);
  };
}

function columnPlan({ reader, resolver, schema }: ResolvedSchemas, writer: Type, column: number): ColumnPlan {
  const { name, type } = reader.fields[column]!;
  const { type: columnType } = schema.columns[column]!;
  const resolved = () => (resolver === undefined ? undefined : type.createResolver(writer));
  const json = () => jsonReader(writer, type, resolved(), 'as they are');
  const nested = (nestedType: NestedType) => nestedReader(writer, type, nestedType, resolved(), leafPlan);
  const plan = planOf(writer, type, columnType, { json, nested });
  if (plan === undefined) {
    const message = `column ${name} is of type ${typeName(columnType)}, but its Avro field is ${type.typeName}: derive the table's schema from the reader's Avro schema`;
    throw new WindrowError('CONTRACT_INVALID', message);
  }
  return { column, plan };
}

/**
 * How a leaf of a nested column is read: as a field of the reader's schema. Values of several types are always JSON: the text "5"
 * would become the number, when the row is made a record again.
 */
function leafPlan(avro: Type, type: ScalarType): FieldPlan {
  const readers = {
    json: () => jsonReader(avro, avro, undefined, 'as JSON'),
    nested: () => {
      throw new TypeError('a leaf is not nested');
    },
  };
  const plan = planOf(avro, avro, type, readers);
  if (plan === undefined) throw new TypeError(`a leaf of type ${type} is ${avro.typeName}`);
  return plan;
}
