import { type Bindings, type ChildLoggerOptions, type Logger, pino, stdSerializers } from 'pino';
import type { LogLevel } from './config-fields.ts';
import { hidden, hideUrlPasswords, isSecretKey } from './redact.ts';

export type { Logger } from 'pino';

const maxDepth = 8;

/**
 * One JSON object a line on stderr, written at once, so that the last words of a dying process are not lost. Values under
 * keys that look like secrets, and the passwords of URLs, are hidden wherever they appear.
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
  // pino resets the formatter of bindings for child loggers, so they are cleaned on their way in.
  const { child } = logger;
  const cleanChild = function (this: Logger, bindings: Bindings, options?: ChildLoggerOptions): Logger {
    return Reflect.apply(child, this, [fieldsWithoutSecrets(bindings), options]);
  };
  // Its type is generic over custom levels, of which there are none here.
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
