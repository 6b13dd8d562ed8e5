/**
 * All codes of thrown errors. The list is closed: a caller may switch over it, and documentation can list it. Keep it sorted.
 */
export const errorCodes = [
  'ADDRESS_UNAVAILABLE',
  'AUDIT_FAILED',
  'CONFIG_INVALID',
  'CONTRACT_INVALID',
  'DECODE_FAILED',
  'ENCODE_FAILED',
  'FILE_UNREADABLE',
  'FILE_UNWRITABLE',
  'HTTP_FAILED',
  'KAFKA_FENCED',
  'KAFKA_TRANSACTION_FAILED',
  'KAFKA_UNAVAILABLE',
  'LAKE_CONFLICT',
  'LAKE_LOG_INVALID',
  'LEDGER_AHEAD',
  'LEDGER_LOST',
  'METRIC_INVALID',
  'POSTGRES_FAILED',
  'REGISTRY_UNAVAILABLE',
  'REPLAY_IMPOSSIBLE',
  'RESTORE_REFUSED',
  'ROWS_REJECTED',
  'S3_FAILED',
  'SCHEMA_INCOMPATIBLE',
  'SCHEMA_UNKNOWN',
  'SERVICE_FAILED',
  'STACK_PART_FAILED',
  'STACK_PREREQUISITE_MISSING',
  'STOPPED',
  'STREAM_UNKNOWN',
  'TIMED_OUT',
  'TOPIC_MISSING',
  'USAGE',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/**
 * An error whose message says what failed, why, and what to do. `retriable` says whether the same call may succeed later.
 */
export class WindrowError extends Error {
  readonly code: ErrorCode;
  readonly retriable: boolean;

  constructor(code: ErrorCode, message: string, options: { retriable?: boolean; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'WindrowError';
    this.code = code;
    this.retriable = options.retriable ?? false;
  }
}
