import { WindrowError } from '@windrow/runtime';
import type { Resolver, Type, types } from 'avsc';
import type { TableSchema } from '../table-schema.ts';
import { avscDecoder } from './avsc-decoder.ts';
import { generatedDecoder } from './generated-decoder.ts';
import type { RecordDecoder } from './record-decoder.ts';

/**
 * @param schema what `tableSchemaFromAvro` makes of the reader's schema
 * @throws WindrowError SCHEMA_INCOMPATIBLE where the writer's schema can't be read as the reader's; CONTRACT_INVALID where the
 * table's first columns are not the reader's fields
 */
export function createRecordDecoder(writer: Type, reader: Type, schema: TableSchema): RecordDecoder {
  const { fields } = reader as types.RecordType;
  fields.forEach(({ name }, index) => {
    if (schema.columns[index]?.name === name) return;
    const message = `the table has no column ${name} at place ${index + 1}: make it of the schema that it is read by`;
    throw new WindrowError('CONTRACT_INVALID', message);
  });
  const resolver = resolverOf(writer, reader);
  const schemas = { writer, reader: reader as types.RecordType, resolver, schema };
  if (writer.typeName !== 'record')
    return avscDecoder(schemas, `the writer's schema is a ${writer.typeName}`);
  return generatedDecoder(schemas);
}

function resolverOf(writer: Type, reader: Type): Resolver | undefined {
  if (writer.fingerprint().equals(reader.fingerprint())) return undefined;
  try {
    return reader.createResolver(writer);
  } catch (cause) {
    const message = `${writer.name} can't be read as ${reader.name}: ${String(cause)}`;
    throw new WindrowError('SCHEMA_INCOMPATIBLE', message, { cause });
  }
}
