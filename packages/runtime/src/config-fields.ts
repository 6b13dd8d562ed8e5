import { z } from 'zod';
import { secret, secretUrl } from './config.ts';

/** A whole number within bounds, both included. */
export function integer(min: number, max: number = Number.MAX_SAFE_INTEGER) {
  return z.coerce.number().int().min(min).max(max);
}

/** A number within bounds, both included. */
export function decimal(min: number, max: number) {
  return z.coerce.number().min(min).max(max);
}

/** A TCP port to listen on; 0 lets the system choose a free one. */
export function port() {
  return integer(0, 65_535);
}

/** A comma-separated list; spaces around its items are removed. */
export function list<T extends z.ZodType<string, string>>(item: T) {
  return z
    .string()
    .transform((text) => text.split(',').map((part) => part.trim()))
    .pipe(z.array(item).min(1));
}

const hostAndPort = z.string().regex(/^[^\s:]+:\d{1,5}$|^\[[0-9a-f:]+\]:\d{1,5}$/i, 'each must be host:port');

export const kafkaConfig = z.object({
  KAFKA_BROKERS: list(hostAndPort).meta({
    description: 'the Kafka bootstrap servers, host:port, separated by commas',
    example: '127.0.0.1:9092',
  }),
});

/** For members of consumer groups. */
export const kafkaGroupConfig = kafkaConfig.extend({
  KAFKA_SESSION_TIMEOUT_MS: integer(1_000, 1_800_000).default(10_000).meta({
    description:
      'the milliseconds without a heartbeat after which the consumer group reassigns the partitions of a member; brokers limit it, by default to 6000 to 1800000',
    example: '10000',
  }),
});

export const registryConfig = z.object({
  SCHEMA_REGISTRY_URL: z.url({ protocol: /^https?$/ }).meta({
    description: 'the base URL of a schema registry with the Confluent API',
    example: 'http://127.0.0.1:8081/apis/ccompat/v7',
    secret: 'password',
  }),
});

export const s3Config = z.object({
  S3_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .meta({
      description: 'the URL of an S3-compatible store; unset for AWS S3',
      example: 'http://127.0.0.1:4566',
    })
    .optional(),
  AWS_REGION: z
    .string()
    .min(1)
    .meta({ description: "the region of the lake's bucket", example: 'eu-central-1' }),
  AWS_ACCESS_KEY_ID: z
    .string()
    .min(1)
    .meta({ description: 'the id of the access key for the store', example: 'AKIA…' }),
  AWS_SECRET_ACCESS_KEY: secret().meta({ description: 'the secret that belongs to AWS_ACCESS_KEY_ID' }),
  LAKE_BUCKET: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'not a valid bucket name')
    .meta({ description: 'the bucket that holds the lake', example: 'lake' }),
});

export const postgresConfig = z.object({
  DATABASE_URL: secretUrl(/^postgres(ql)?$/).meta({
    description: 'the Postgres database of the curated tables',
    example: 'postgres://windrow:…@127.0.0.1:5432/windrow',
  }),
});

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;

export type LogLevel = (typeof logLevels)[number];

/** The configuration of every service: the address of its health and metrics, and its log level. */
export const adminConfig = z.object({
  ADMIN_HOST: z
    .string()
    .default('127.0.0.1')
    .meta({ description: 'the address on which health and metrics are served', example: '127.0.0.1' }),
  ADMIN_PORT: port().meta({
    description: 'the port of /live, /ready and /metrics (0: any free port)',
    example: '9101',
  }),
  LOG_LEVEL: z
    .enum(logLevels)
    .default('info')
    .meta({ description: `the least severe level that is logged: ${logLevels.join(', ')}`, example: 'info' }),
});
