import { type ErrorCode, WindrowError } from '@windrow/runtime';

/** Broker errors after which another producer owns the transactional id. */
const fenced = new Set([
  'INVALID_PRODUCER_EPOCH',
  'PRODUCER_FENCED',
  'TRANSACTIONAL_ID_FENCED',
  'INVALID_PRODUCER_ID_MAPPING',
]);

export function isFenced(error: unknown): boolean {
  return brokerErrors(error).some((name) => fenced.has(name));
}

/** The broker is still completing the producer's former transaction. */
export function isConcurrentTransaction(error: unknown): boolean {
  return brokerErrors(error).includes('CONCURRENT_TRANSACTIONS');
}

/** The broker is still completing a transaction that moves the requested offsets. */
export function isUnstableOffset(error: unknown): boolean {
  return brokerErrors(error).includes('UNSTABLE_OFFSET_COMMIT');
}

const withoutLeader = new Set(['NOT_LEADER_FOR_PARTITION', 'LEADER_NOT_AVAILABLE']);

/**
 * A partition has no leader yet, or kafkajs knows none: it forgets a topic's metadata while another call on the same
 * connection asks for other topics, and then fails with a TypeError.
 */
export function isLeaderUnknown(error: unknown): boolean {
  const isForgotten = error instanceof WindrowError && error.cause instanceof TypeError;
  return isForgotten || brokerErrors(error).some((name) => withoutLeader.has(name));
}

/** The broker's error names in the chain of causes. */
function brokerErrors(error: unknown): string[] {
  const names: string[] = [];
  let at = error;
  while (typeof at === 'object' && at !== null) {
    if ('type' in at && typeof at.type === 'string') names.push(at.type);
    at = 'cause' in at ? at.cause : undefined;
  }
  return names;
}

/** Makes a WindrowError of kafkajs' error. `what` completes the sentence “Kafka did not …”. */
export function kafkaError(
  what: string,
  cause: unknown,
  code: ErrorCode = 'KAFKA_UNAVAILABLE',
): WindrowError {
  if (cause instanceof WindrowError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new WindrowError(code, `Kafka did not ${what}: ${reason}`, { retriable: true, cause });
}
