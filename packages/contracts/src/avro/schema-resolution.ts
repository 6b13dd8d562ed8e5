import type { Resolver, Type, types } from 'avsc';
import { logicalTypeOf } from './exact-types.ts';
import { conversionBetween } from './logical-conversion.ts';
import { shownLogicalType } from './logical-type.ts';
import { type AddUnread, unreadFieldsAdder } from './unread-fields.ts';

/** How records of a writer's schema are read by a reader's schema. */
export interface SchemaResolution {
  /** Undefined if both schemas are equal: then the reader's type decodes alone. */
  resolver: Resolver | undefined;
  /**
   * The fields whose values change their unit or scale (`occurred_at`, `items[].price`). The resolver converts them. Other
   * decoders of the writer's bytes must convert them too, or leave such a schema to the resolver.
   */
  converted: readonly string[];
  /**
   * Adds the writer's fields that the reader lacks to a record that the resolver has decoded. Undefined if there are none, or if the
   * reader has no `_extra`. Every decoder must call it.
   */
  addUnread: AddUnread | undefined;
}

/**
 * Decides how a reader's schema reads a writer's: both made by `avroType`. Every decoder must ask it, so that all of them
 * accept the same records. Besides the rules of Avro, logical types must be equal or convertible.
 * @throws TypeError naming the field, both types and what to change
 */
export function resolveSchemas(writer: Type, reader: Type): SchemaResolution {
  const { conflicts, converted } = compareLogicalTypes(writer, reader);
  if (conflicts.length > 0) throw new TypeError(conflicts.join('; '));
  const isSame = converted.length === 0 && writer.fingerprint().equals(reader.fingerprint());
  if (isSame) return { resolver: undefined, converted, addUnread: undefined };
  const resolver = reader.createResolver(writer);
  return { resolver, converted, addUnread: unreadFieldsAdder(writer, reader) };
}

/** The fields whose logical types differ: those that convert by their path, the others as a sentence for people. */
export function compareLogicalTypes(
  writer: Type,
  reader: Type,
): { conflicts: readonly string[]; converted: readonly string[] } {
  const comparison = new Comparison();
  comparison.compare(writer, reader, '');
  return comparison;
}

class Comparison {
  readonly conflicts: string[] = [];
  readonly converted: string[] = [];
  /** The pairs of records that were compared, because a record may contain itself. */
  readonly #compared = new Map<Type, Set<Type>>();

  compare(writer: Type, reader: Type, path: string): void {
    if (isUnion(writer)) {
      for (const branch of writer.types) this.compare(branch, reader, path);
      return;
    }
    // As avsc finds the branch.
    const target = isUnion(reader) ? reader.types.find((branch) => reads(branch, writer)) : reader;
    // Avro's own rules refuse the other pairs.
    if (target === undefined || !reads(target, writer)) return;
    switch (target.typeName) {
      case 'array':
        if (writer.typeName === 'array') this.compare(itemsOf(writer), itemsOf(target), `${path}[]`);
        return;
      case 'map':
        if (writer.typeName === 'map') this.compare(valuesOf(writer), valuesOf(target), `${path}{}`);
        return;
      case 'record':
        if (writer.typeName === 'record')
          this.#compareFields(writer as types.RecordType, target as types.RecordType, path);
        return;
      default:
        this.#compareLogicalTypes(writer, target, path);
    }
  }

  #compareFields(writer: types.RecordType, reader: types.RecordType, path: string): void {
    const compared = this.#compared.get(writer) ?? new Set();
    if (compared.has(reader)) return;
    this.#compared.set(writer, compared.add(reader));
    for (const field of reader.fields) {
      const names = [field.name, ...field.aliases];
      const written = writer.fields.find(({ name }) => names.includes(name));
      if (written) this.compare(written.type, field.type, path === '' ? field.name : `${path}.${field.name}`);
    }
  }

  #compareLogicalTypes(writer: Type, reader: Type, path: string): void {
    const [from, to] = [logicalTypeOf(writer), logicalTypeOf(reader)];
    const conversion = conversionBetween(from, to);
    // Avro reads bytes as text, and the bytes of a decimal are none.
    const isMisread = from?.name === 'decimal' && reader.typeName === 'string';
    if (conversion === 'never' || isMisread)
      this.conflicts.push(
        `the field ${path} is written as ${shownType(writer)} and read as ${shownType(reader)}, and Windrow can't convert between them: write it as ${shownType(reader)}, or declare ${shownType(writer)} in the stream's schema`,
      );
    else if (conversion !== 'asIs') this.converted.push(path);
  }
}

function shownType(type: Type): string {
  const logicalType = logicalTypeOf(type);
  return logicalType === undefined ? type.typeName : `${type.typeName} ${shownLogicalType(logicalType)}`;
}

function isUnion(type: Type): type is types.UnwrappedUnionType {
  return type.typeName.startsWith('union:');
}

const itemsOf = (type: Type): Type => (type as types.ArrayType).itemsType;
const valuesOf = (type: Type): Type => (type as types.MapType).valuesType as Type;

const promotions: Readonly<Record<string, readonly string[]>> = {
  bytes: ['string'],
  float: ['double'],
  int: ['long', 'float', 'double'],
  long: ['float', 'double'],
  string: ['bytes'],
};

/** Whether Avro's rules let the reader's type read the writer's, whatever their logical types and fields. */
function reads(reader: Type, writer: Type): boolean {
  if (reader.typeName !== writer.typeName)
    return promotions[writer.typeName]?.includes(reader.typeName) ?? false;
  if (writer.name === undefined) return true;
  return reader.name === writer.name || (reader.aliases ?? []).includes(writer.name);
}
