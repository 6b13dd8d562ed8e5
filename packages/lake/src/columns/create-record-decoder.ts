import { resolveSchemas, type SchemaResolution } from '@windrow/contracts';
import { WindrowError } from '@windrow/runtime';
import type { Type, types } from 'avsc';
import type { TableSchema } from '../table-schema.ts';
import { avscDecoder } from './avsc-decoder.ts';
import { generatedDecoder } from './generated-decoder.ts';
import type { RecordDecoder } from './record-decoder.ts';

/**
 * Makes the decoder from a writer's schema to a reader's schema and its table. `avroType` must have made both types.
 * @param schema of the table: the result of `tableSchemaFromAvro` for the reader's schema, or with text for nested columns
 * @throws WindrowError SCHEMA_INCOMPATIBLE when the writer's schema can't be resolved to the reader's; CONTRACT_INVALID when
 * the table's first columns are not the reader's fields
 */
export function createRecordDecoder(writer: Type, reader: Type, schema: TableSchema): RecordDecoder {
  const { fields } = reader as types.RecordType;
  fields.forEach(({ name }, index) => {
    if (schema.columns[index]?.name === name) return;
    const message = `column ${index + 1} of the table is not ${name}: derive the table's schema from the reader's Avro schema`;
    throw new WindrowError('CONTRACT_INVALID', message);
  });
  const { resolver, converted, addUnread } = resolutionOf(writer, reader);
  const schemas = { writer, reader: reader as types.RecordType, resolver, addUnread, schema };
  if (writer.typeName !== 'record')
    return avscDecoder(schemas, `the writer's schema is a ${writer.typeName}`);
  // The generated code reads the writer's values as they are; the resolver converts them.
  if (converted.length > 0)
    return avscDecoder(schemas, `other logical types are converted: ${converted.join(', ')}`);
  if (addUnread !== undefined) return avscDecoder(schemas, 'fields that the reader lacks become JSON');
  return generatedDecoder(schemas);
}

function resolutionOf(writer: Type, reader: Type): SchemaResolution {
  try {
    return resolveSchemas(writer, reader);
  } catch (cause) {
    const message = `${writer.name} can't be resolved to ${reader.name}: ${String(cause)}`;
    throw new WindrowError('SCHEMA_INCOMPATIBLE', message, { cause });
  }
}
