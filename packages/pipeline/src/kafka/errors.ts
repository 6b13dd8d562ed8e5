import { type ErrorCode, WindrowError } from '@windrow/runtime';

/** Broker answers that say: another producer has this transactional id now. */
const fenced = new Set([
  'INVALID_PRODUCER_EPOCH',
  'PRODUCER_FENCED',
  'TRANSACTIONAL_ID_FENCED',
  'INVALID_PRODUCER_ID_MAPPING',
]);

export function isFenced(error: unknown): boolean {
  return brokerAnswers(error).some((answer) => fenced.has(answer));
}

/** The broker still completes the producer's former transaction. */
export function isConcurrentTransaction(error: unknown): boolean {
  return brokerAnswers(error).includes('CONCURRENT_TRANSACTIONS');
}

/** The broker still completes a transaction that moves the offsets that were asked for. */
export function isUnstableOffset(error: unknown): boolean {
  return brokerAnswers(error).includes('UNSTABLE_OFFSET_COMMIT');
}

const withoutLeader = new Set(['NOT_LEADER_FOR_PARTITION', 'LEADER_NOT_AVAILABLE']);

/**
 * A partition has no leader yet, or kafkajs knows of none: it forgets a topic while another call of the same connection asks for
 * other topics, and then takes the answer to pieces that is not there.
 */
export function isLeaderUnknown(error: unknown): boolean {
  const isForgotten = error instanceof WindrowError && error.cause instanceof TypeError;
  return isForgotten || brokerAnswers(error).some((answer) => withoutLeader.has(answer));
}

/** The broker's error names in the chain of causes. */
function brokerAnswers(error: unknown): string[] {
  const answers: string[] = [];
  let at = error;
  while (typeof at === 'object' && at !== null) {
    if ('type' in at && typeof at.type === 'string') answers.push(at.type);
    at = 'cause' in at ? at.cause : undefined;
  }
  return answers;
}

/** kafkajs' error as ours; `what` completes the sentence “Kafka did not …”. */
export function kafkaError(
  what: string,
  cause: unknown,
  code: ErrorCode = 'KAFKA_UNAVAILABLE',
): WindrowError {
  if (cause instanceof WindrowError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new WindrowError(code, `Kafka did not ${what}: ${reason}`, { retriable: true, cause });
}
