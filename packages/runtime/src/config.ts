import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { WindrowError } from './errors.ts';
import { hidden, hideUrlPasswords } from './redact.ts';

declare module 'zod' {
  interface GlobalMeta {
    /** A valid value, shown in the error if the variable is missing or invalid. */
    example?: string;
    /** `value`: never print it; `password`: print it without the password in its URL. Either may come from `NAME_FILE`. */
    secret?: 'value' | 'password';
  }
}

export interface ConfigEntry {
  name: string;
  /** The text of the environment variable, secrets hidden; undefined if it is not set. */
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

/** A string that is never printed. `NAME_FILE` may name a file that holds it. */
export function secret() {
  return z.string().min(1).meta({ secret: 'value' });
}

/** A URL whose password is never printed. `NAME_FILE` may name a file that holds the URL. */
export function secretUrl(protocol: RegExp) {
  return z.url({ protocol }).meta({ secret: 'password' });
}

/**
 * Parses the environment with the schema. The schema's keys are the names of the variables. An empty variable counts as unset.
 * @throws WindrowError CONFIG_INVALID with one line for each invalid variable, without secrets
 */
export function loadConfig<S extends z.ZodObject>(
  schema: S,
  env: NodeJS.ProcessEnv = process.env,
): z.output<S> {
  const problems: string[] = [];
  const input: Record<string, string> = {};
  const invalid = new Set<string>();
  for (const [name, type] of Object.entries(schema.shape)) {
    try {
      const text = readVariable(name, fieldOf(type as z.ZodType), env);
      if (text !== undefined) input[name] = text;
    } catch (error) {
      invalid.add(name);
      problems.push(`${name}: ${(error as Error).message}`);
    }
  }
  const parsed = schema.safeParse(input);
  if (parsed.success && problems.length === 0) return parsed.data;
  for (const issue of parsed.error?.issues ?? []) {
    const name = String(issue.path[0] ?? '');
    if (invalid.has(name)) continue;
    invalid.add(name);
    const type = schema.shape[name] as z.ZodType | undefined;
    problems.push(describeProblem(name, input[name], issue.message, type && fieldOf(type)));
  }
  throw new WindrowError(
    'CONFIG_INVALID',
    `Configuration is invalid:\n${problems.map((problem) => `  ${problem}`).join('\n')}`,
  );
}

/** The schema's fields in its order, with their values if a config is given; secrets hidden. */
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

/** The names of the environment variables that a schema reads, including the `NAME_FILE` forms of its secrets. */
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

function describeProblem(
  name: string,
  value: string | undefined,
  reason: string,
  field: Field | undefined,
): string {
  if (!field) return `${name}: ${reason}`;
  const example = field.example === undefined ? '' : `, for example ${field.example}`;
  const expected = `expected ${field.description}${example}`;
  if (value === undefined) return `${name}: is not set; ${expected}`;
  // In a URL that can't be parsed, the password may be anywhere.
  const shown = field.secret ? '' : ` ${JSON.stringify(value)}`;
  return `${name}:${shown} is not valid (${reason}); ${expected}`;
}

function printed(value: unknown, field: Field): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (field.secret === 'value') return hidden;
  return hideUrlPasswords(Array.isArray(value) ? value.join(',') : String(value));
}

/** Any layer of a wrapped type may have the description, example, secrecy and default: the outermost one wins. */
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
