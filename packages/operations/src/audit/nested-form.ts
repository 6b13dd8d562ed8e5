import { jsonWriter, valueTypes } from '@windrow/contracts';
import { fieldReader, nestedColumnType } from '@windrow/lake';
import type { Type, types } from 'avsc';
import { canonicalJson, canonicalNumber, ExactNumber, parseExactly } from './canonical-json.ts';
import { type CanonicalForm, uncompared } from './canonical-values.ts';

/**
 * The form of a field that is nested in the lake and jsonb in Postgres: the JSON of its values, as today's version of the field has
 * it. Rows of older versions may lack fields, or have others.
 */
export function nestedForm(field: Type): CanonicalForm {
  // Types that contain themselves would never end.
  if (nestedColumnType(field) === undefined) return uncompared;
  const toJson = jsonWriter(field);
  const fromLake = fieldReader(field);
  const ofPostgres = (text: string) => canonicalJson(text, resolver(field));
  return { ofPostgres, ofLake: (value) => ofPostgres(toJson(fromLake(value))) };
}

type Resolve = (json: unknown) => unknown;

/** The function that makes a parsed JSON value one of today's type. */
function resolver(field: Type): Resolve {
  const [type, ...others] = valueTypes(field);
  if (type === undefined || others.length > 0) return (json) => json;
  const resolve = presentResolver(type);
  return (json) => (json === null ? null : resolve(json));
}

function presentResolver(type: Type): Resolve {
  switch (type.typeName) {
    case 'array': {
      const item = resolver((type as types.ArrayType).itemsType);
      return (json) => (Array.isArray(json) ? json.map(item) : json);
    }
    case 'map': {
      const item = resolver((type as types.MapType).valuesType);
      return (json) => Object.fromEntries(Object.entries(json as object).map(([key, of]) => [key, item(of)]));
    }
    case 'record':
      return recordResolver(type as types.RecordType);
    case 'float':
      // avsc doesn't round an integer that is read as a float.
      return (json) => (json instanceof ExactNumber ? rounded(json) : json);
    default:
      return (json) => json;
  }
}

/** Null and absent members are the same: files and JSON of older versions lack the fields that were added later. */
function recordResolver({ fields }: types.RecordType): Resolve {
  const members = fields.map((field) => {
    const absent = field.type.isValid(null) ? undefined : (field.defaultValue() as unknown);
    return {
      ...{ name: field.name, resolve: resolver(field.type) },
      absent: absent === undefined ? null : jsonWriter(field.type)(absent),
    };
  });
  return (json) => {
    const record = json as Readonly<Record<string, unknown>>;
    return Object.fromEntries(
      members.flatMap(({ name, resolve, absent }) => {
        const member = record[name] ?? (absent === null ? null : parseExactly(absent));
        return member === null ? [] : [[name, resolve(member)]];
      }),
    );
  };
}

function rounded({ text }: ExactNumber): ExactNumber {
  return new ExactNumber(canonicalNumber(String(Math.fround(Number(text)))));
}
