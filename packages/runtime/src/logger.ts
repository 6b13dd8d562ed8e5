import { type Bindings, type ChildLoggerOptions, type Logger, pino, stdSerializers } from 'pino';
import type { LogLevel } from './config-fields.ts';
import { hidden, hideUrlPasswords, isSecretKey } from './redact.ts';

export type { Logger } from 'pino';

const maxDepth = 8;

/**
 * Logs one JSON object per line to stderr. Writes are synchronous, so that the last lines of a crashing process are not lost.
 * Values whose keys look like secrets and the passwords in URLs are hidden.
 */
export function createLogger(service: string, level: LogLevel): Logger {
  const logger = pino(
    {
      level,
      base: { service },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: {
        level: (label) => ({ level: label }),
        log: fieldsWithoutSecrets,
      },
      serializers: { err: (alreadySerialized) => alreadySerialized },
      hooks: { streamWrite: hideUrlPasswords },
    },
    pino.destination({ fd: 2, sync: true }),
  );
  // pino resets the formatter of bindings for child loggers, so secrets are removed before pino gets them.
  const { child } = logger;
  const cleanChild = function (this: Logger, bindings: Bindings, options?: ChildLoggerOptions): Logger {
    return Reflect.apply(child, this, [fieldsWithoutSecrets(bindings), options]);
  };
  // The type of `child` is generic over custom levels, and there are none here.
  logger.child = cleanChild as unknown as typeof child;
  return logger;
}

function fieldsWithoutSecrets(fields: Record<string, unknown>): Record<string, unknown> {
  return withoutSecrets(fields, 0) as Record<string, unknown>;
}

function withoutSecrets(value: unknown, depth: number): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return value;
  if (depth > maxDepth) return '…';
  if (value instanceof Error) return withoutSecrets({ ...stdSerializers.err(value) }, depth);
  if (Array.isArray(value)) return value.map((item) => withoutSecrets(item, depth + 1));
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`;
  if ('toJSON' in value) return value;
  const safe: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    safe[key] = isSecretKey(key) ? hidden : withoutSecrets(item, depth + 1);
  }
  return safe;
}
