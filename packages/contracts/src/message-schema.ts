import type { Constraint, HttpRoute, StreamContract } from './contract.ts';
import { timeSchema } from './values/time-values.ts';
import type { JsonSchema, ValueType } from './values/value-type.ts';
import { type InputField, inputFields } from './values/value-types.ts';

/**
 * The JSON Schema 2020-12 of a route's body. It is generated from the Avro schema, the layout of messages and the rules,
 * which also check bodies. It can't express how far a time may be off, nor the bounds of a number that is sent as text.
 */
export function bodySchema(contract: StreamContract, { body, sets = {} }: HttpRoute): JsonSchema {
  const message = messageSchema(contract, sets);
  if (body === 'message') return message;
  const messages = { type: 'array', items: message };
  if (body === 'messages') return { anyOf: [message, messages] };
  return {
    type: 'object',
    required: ['batch'],
    properties: {
      batch: messages,
      sentAt: {
        ...orNone(timeSchema),
        description: 'When the batch was sent, by the clock of the sender; for messages without their own',
      },
      context: {
        type: ['object', 'string', 'null'],
        maxLength: 0,
        description: "Merged with the messages' own, which wins",
      },
    },
  };
}

/** The schema of a message for `parse`. `sets`: the values that the path sets. */
function messageSchema(contract: StreamContract, sets: Record<string, string>): JsonSchema {
  const schema: JsonSchema = { type: 'object', properties: {} };
  const demands: JsonSchema[] = [];
  for (const field of inputFields(contract)) {
    const paths = pathsOf(contract, field.name);
    const value = valueSchema(contract, field);
    for (const [index, path] of paths.entries()) {
      if (path in sets) place(schema, path, { description: `Always ${sets[path]} here` });
      else if (index === 0) place(schema, path, value);
      else demands.push({ anyOf: [anyValue(paths.slice(0, index)), placed(path, value)] });
    }
    if (isNeeded(contract, field)) demands.push(anyValue(paths));
  }
  for (const { constraint } of contract.rules) {
    if (constraint) demands.push(...demanded(contract, constraint, sets));
  }
  return demands.length > 0 ? { ...schema, allOf: demands } : schema;
}

/** Without a layout, fields have their own names. A field that is always generated has no path. */
function pathsOf({ message }: StreamContract, field: string): string[] {
  return message ? (message.fields[field] ?? []) : [field];
}

function isNeeded({ message }: StreamContract, { name, nullable }: InputField): boolean {
  return !nullable && !message?.made.includes(name);
}

/** Puts the schema of a value at a dotted path. The parents need not be objects: then there is no value. */
function place(schema: JsonSchema, path: string, value: JsonSchema): void {
  const [key = '', ...rest] = path.split('.');
  schema.properties ??= {};
  const properties = schema.properties as Record<string, JsonSchema>;
  properties[key] ??= {};
  if (rest.length === 0) Object.assign(properties[key], value);
  else place(properties[key], rest.join('.'), value);
}

function placed(path: string, value: JsonSchema): JsonSchema {
  const schema: JsonSchema = {};
  place(schema, path, value);
  return schema;
}

function valueSchema(contract: StreamContract, { name, type, doc }: InputField): JsonSchema {
  const value = orNone(type.schema);
  for (const { constraint } of contract.rules) {
    if (!constraint || !('field' in constraint) || constraint.field !== name) continue;
    if (constraint.kind === 'between')
      Object.assign(value, { minimum: constraint.low, maximum: constraint.high });
    // A text of that many characters may have more bytes.
    if (constraint.kind === 'maxBytes') Object.assign(value, { maxLength: constraint.bytes });
    if (constraint.kind === 'oneOf')
      Object.assign(value, { type: ['string', 'null'], enum: [...constraint.values, '', null] });
  }
  return doc === undefined ? value : { ...value, description: doc };
}

/** Allows null and an empty text, which count as no value. */
function orNone(schema: ValueType['schema']): JsonSchema {
  const { type, pattern } = schema;
  if (!type) return { ...schema };
  const types = [...new Set([...type, 'string', 'null'])];
  if (typeof pattern === 'string') return { ...schema, type: types, pattern: `^$|${pattern}` };
  return { ...schema, type: types, ...(!type.includes('string') && { maxLength: 0 }) };
}

function demanded(
  contract: StreamContract,
  constraint: Constraint,
  sets: Record<string, string>,
): JsonSchema[] {
  if (constraint.kind === 'anyOf')
    return [anyValue(constraint.fields.flatMap((field) => pathsOf(contract, field)))];
  if (constraint.kind !== 'required' || contract.message?.made.includes(constraint.field)) return [];
  const demand = anyValue(pathsOf(contract, constraint.field));
  const { when } = constraint;
  if (!when) return [demand];
  const [path = when.field] = pathsOf(contract, when.field);
  if (path in sets) return sets[path] === when.is ? [demand] : [];
  const isDefault = contract.schema.fields.find(({ name }) => name === when.field)?.default === when.is;
  const condition = { properties: { [path]: { enum: [when.is, ...(isDefault ? ['', null] : [])] } } };
  return [{ anyOf: [{ not: isDefault ? condition : { ...condition, required: [path] } }, demand] }];
}

/** At least one of the paths, each a single name, must have a value. */
function anyValue(paths: string[]): JsonSchema {
  const has = (path: string) => ({
    required: [path],
    properties: { [path]: { not: { enum: ['', null] } } },
  });
  const [only, ...others] = paths.map(has);
  return others.length === 0 ? (only ?? {}) : { anyOf: [only, ...others] };
}
