import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { WindrowError } from './errors.ts';
import { hidden, hideUrlPasswords } from './redact.ts';

declare module 'zod' {
  interface GlobalMeta {
    /** A value that would be accepted, shown when one is missing or wrong. */
    example?: string;
    /** `value`: never print it; `password`: print it without the password in its URL. Either may come from `NAME_FILE`. */
    secret?: 'value' | 'password';
  }
}

export interface ConfigEntry {
  name: string;
  /** As the environment would carry it, secrets hidden; undefined where nothing is set. */
  value: string | undefined;
  default: string | undefined;
  required: boolean;
  secret: boolean;
  description: string;
}

interface Field {
  description: string;
  example: string | undefined;
  secret: 'value' | 'password' | undefined;
  defaultValue: unknown;
  required: boolean;
}

/** A string that is never printed and that may also be given as a file (`NAME_FILE`). */
export function secret() {
  return z.string().min(1).meta({ secret: 'value' });
}

/** A URL whose password is never printed and that may also be given as a file (`NAME_FILE`). */
export function secretUrl(protocol: RegExp) {
  return z.url({ protocol }).meta({ secret: 'password' });
}

/**
 * Reads the environment into the schema's type. The keys of the schema are the names of the variables; an empty variable
 * counts as unset. All faults are reported at once.
 * @throws WindrowError CONFIG_INVALID, one line for each fault, never with a secret in it.
 */
export function loadConfig<S extends z.ZodObject>(
  schema: S,
  env: NodeJS.ProcessEnv = process.env,
): z.output<S> {
  const faults: string[] = [];
  const input: Record<string, string> = {};
  const faulty = new Set<string>();
  for (const [name, type] of Object.entries(schema.shape)) {
    try {
      const text = readVariable(name, fieldOf(type as z.ZodType), env);
      if (text !== undefined) input[name] = text;
    } catch (error) {
      faulty.add(name);
      faults.push(`${name}: ${(error as Error).message}`);
    }
  }
  const parsed = schema.safeParse(input);
  if (parsed.success && faults.length === 0) return parsed.data;
  for (const issue of parsed.error?.issues ?? []) {
    const name = String(issue.path[0] ?? '');
    if (faulty.has(name)) continue;
    faulty.add(name);
    const type = schema.shape[name] as z.ZodType | undefined;
    faults.push(describeFault(name, input[name], issue.message, type && fieldOf(type)));
  }
  throw new WindrowError(
    'CONFIG_INVALID',
    `Configuration is invalid:\n${faults.map((f) => `  ${f}`).join('\n')}`,
  );
}

/** The schema's fields in its order, with their values where a config is given; secrets hidden. */
export function describeConfig<S extends z.ZodObject>(schema: S, config?: z.output<S>): ConfigEntry[] {
  const values = (config ?? {}) as Record<string, unknown>;
  return Object.entries(schema.shape).map(([name, type]) => {
    const field = fieldOf(type as z.ZodType);
    return {
      name,
      value: printed(values[name], field),
      default: printed(field.defaultValue, field),
      required: field.required,
      secret: field.secret !== undefined,
      description: field.description,
    };
  });
}

/** The names of the environment variables a schema reads, the `NAME_FILE` forms of its secrets included. */
export function environmentNames(schema: z.ZodObject): string[] {
  return Object.entries(schema.shape).flatMap(([name, type]) =>
    fieldOf(type as z.ZodType).secret ? [name, `${name}_FILE`] : [name],
  );
}

function readVariable(name: string, field: Field, env: NodeJS.ProcessEnv): string | undefined {
  const direct = env[name] || undefined;
  const path = field.secret ? env[`${name}_FILE`] || undefined : undefined;
  if (path === undefined) return direct;
  if (direct !== undefined) throw new Error(`is set, and so is ${name}_FILE; set one of them`);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new Error(
      `${name}_FILE names ${path}, which can't be read (${(error as NodeJS.ErrnoException).code})`,
    );
  }
  const value = text.replace(/\r?\n$/, '');
  if (value === '') throw new Error(`${name}_FILE names ${path}, which is empty`);
  return value;
}

function describeFault(
  name: string,
  value: string | undefined,
  reason: string,
  field: Field | undefined,
): string {
  if (!field) return `${name}: ${reason}`;
  const example = field.example === undefined ? '' : `, for example ${field.example}`;
  const expected = `expected ${field.description}${example}`;
  if (value === undefined) return `${name}: is not set; ${expected}`;
  // A URL that doesn't parse may hold its password anywhere.
  const shown = field.secret ? '' : ` ${JSON.stringify(value)}`;
  return `${name}:${shown} is not valid (${reason}); ${expected}`;
}

function printed(value: unknown, field: Field): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (field.secret === 'value') return hidden;
  return hideUrlPasswords(Array.isArray(value) ? value.join(',') : String(value));
}

/** Description, example, secrecy and default may sit on any layer of a wrapped type: the outermost one wins. */
function fieldOf(type: z.ZodType): Field {
  let meta: z.GlobalMeta = {};
  let defaultValue: unknown;
  let layer: z.core.$ZodType | undefined = type;
  while (layer) {
    meta = { ...(z.globalRegistry.get(layer) ?? {}), ...meta };
    const def = layer._zod.def as {
      innerType?: z.core.$ZodType;
      in?: z.core.$ZodType;
      defaultValue?: unknown;
    };
    defaultValue ??= def.defaultValue;
    layer = def.innerType ?? def.in;
  }
  return {
    description: meta.description ?? '',
    example: meta.example,
    secret: meta.secret,
    defaultValue,
    required: type._zod.optin === undefined,
  };
}
