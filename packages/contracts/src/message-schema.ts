import type { Constraint, HttpRoute, StreamContract } from './contract.ts';
import type { ValueSeverity } from './quality.ts';
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
        anyOf: [orNone(timeSchema), replaced],
        description: 'When the batch was sent, by the clock of the sender; for messages without their own',
      },
      context: {
        type: ['object', 'array', 'string', 'null'],
        maxItems: 0,
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
    const isAnyTaken =
      field.severity === 'null_out' && Object.keys(boundsOf(contract, field, 'reject')).length === 0;
    for (const [index, path] of paths.entries()) {
      if (path in sets) place(schema, path, { description: `Always ${sets[path]} here` });
      else if (index === 0) place(schema, path, value);
      else if (!isAnyTaken) demands.push({ anyOf: [anyValue(paths.slice(0, index)), placed(path, value)] });
    }
    if (isNeeded(contract, field)) demands.push(anyValue(paths));
  }
  for (const { constraint, severity = 'reject' } of contract.rules) {
    if (constraint && severity === 'reject') demands.push(...demanded(contract, constraint, sets));
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

/** The schema of a value, whether it costs the event or only itself if it is wrong. */
function valueSchema(contract: StreamContract, field: InputField): JsonSchema {
  const { severity, doc } = field;
  const hard = boundsOf(contract, field, 'reject');
  const soft = boundsOf(contract, field, 'null_out');
  const described = (schema: JsonSchema) => (doc === undefined ? schema : { ...schema, description: doc });
  if (severity === 'null_out') return described({ anyOf: [keptSchema(contract, field), replaced], ...hard });
  const value = { ...orNone(field.type.schema), ...hard };
  return described(Object.keys(soft).length > 0 ? { ...value, anyOf: [soft, replaced] } : value);
}

const replaced: JsonSchema = { description: 'Another value is replaced by null, and noted in `_quality`' };

/** The schema of the values that are stored. */
function keptSchema(contract: StreamContract, field: InputField): JsonSchema {
  return { ...orNone(field.type.schema), ...boundsOf(contract, field, 'null_out') };
}

/** What the rules of that severity say of a value. */
function boundsOf({ rules }: StreamContract, { name, severity }: InputField, of: ValueSeverity): JsonSchema {
  const bounds: JsonSchema = {};
  for (const { constraint, severity: own = 'reject' } of rules) {
    if (own !== of || !constraint || !('field' in constraint) || constraint.field !== name) continue;
    if (constraint.kind === 'between')
      Object.assign(bounds, { minimum: constraint.low, maximum: constraint.high });
    // A text of that many characters may have more bytes.
    if (constraint.kind === 'maxBytes') Object.assign(bounds, { maxLength: constraint.bytes });
    if (constraint.kind !== 'oneOf') continue;
    const values = [...constraint.values, '', null];
    // A value that is replaced by null for its type keeps the rule.
    if (severity === 'null_out' && of === 'reject')
      Object.assign(bounds, { not: { type: ['string', 'number', 'boolean'], not: { enum: values } } });
    else Object.assign(bounds, { type: ['string', 'null'], enum: values });
  }
  return bounds;
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
    return [{ anyOf: constraint.fields.map((field) => keptValue(contract, field)) }];
  if (constraint.kind !== 'required' || contract.message?.made.includes(constraint.field)) return [];
  const demand = keptValue(contract, constraint.field);
  const { when } = constraint;
  if (!when) return [demand];
  const [path = when.field] = pathsOf(contract, when.field);
  if (path in sets) return sets[path] === when.is ? [demand] : [];
  const isDefault = contract.schema.fields.find(({ name }) => name === when.field)?.default === when.is;
  const condition = { properties: { [path]: { enum: [when.is, ...(isDefault ? ['', null] : [])] } } };
  return [{ anyOf: [{ not: isDefault ? condition : { ...condition, required: [path] } }, demand] }];
}

/** The field must have a value that is not replaced by null. */
function keptValue(contract: StreamContract, name: string): JsonSchema {
  const paths = pathsOf(contract, name);
  const field = inputFields(contract).find((each) => each.name === name);
  if (
    !field ||
    (field.severity === 'reject' && Object.keys(boundsOf(contract, field, 'null_out')).length === 0)
  )
    return anyValue(paths);
  const kept = keptSchema(contract, field);
  const [only, ...others] = paths.map((path, index): JsonSchema => {
    const value = [anyValue([path]), placed(path, kept)];
    return { allOf: index === 0 ? value : [{ not: anyValue(paths.slice(0, index)) }, ...value] };
  });
  return others.length === 0 ? (only ?? {}) : { anyOf: [only, ...others] };
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
