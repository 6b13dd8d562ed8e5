import { WindrowError } from '@windrow/runtime';
import pg from 'pg';

/**
 * SQLSTATE classes whose errors are of the server's or the connection's state, and may be gone with the next try:
 * connection, transaction rollback (serialization, deadlock), resources, object not in prerequisite state (lock not
 * available), operator intervention, system error.
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const passingClasses = new Set(['08', '40', '53', '55', '57', '58']);
/** read_only_sql_transaction: the primary has become a standby. idle_in_transaction_session_timeout: we stood still. */
const passingStates = new Set(['25006', '25P03']);

/** SQLSTATE classes whose errors are of the values sent, with the standard's names: what Postgres refuses a row for. */
const refusals: Record<string, string> = {
  '22': 'data_exception',
  '23': 'integrity_constraint_violation',
  '44': 'with_check_option_violation',
  '54': 'program_limit_exceeded',
  P0: 'raised_exception',
};

/** The reason for which a row is refused that never gets as far as Postgres, because it can't be sent. */
export const dataException = 'data_exception';

const stateOf = (error: unknown): string | undefined =>
  error instanceof pg.DatabaseError ? error.code : undefined;

/** Why Postgres refused a row, as a short stable code; null where the error is not about a row. */
export function refusalOf(error: unknown): string | null {
  if (isMissingPartition(error)) return null;
  return refusals[stateOf(error)?.slice(0, 2) ?? ''] ?? null;
}

/** No partition for a row's day: it has the state of a check violation, but no constraint. */
export function isMissingPartition(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === '23514' && error.constraint === undefined;
}

/** Whether an error came from the server or the connection to it, as against our own code. */
export const isOfDatabase = (error: unknown): boolean => stateOf(error) !== undefined || isTransport(error);

/** Postgres' error as ours; `what` completes the sentence “Postgres did not …”. */
export function databaseError(what: string, cause: unknown): WindrowError {
  if (cause instanceof WindrowError) return cause;
  const state = stateOf(cause);
  const retriable = state === undefined ? isTransport(cause) : isPassing(state);
  const reason = cause instanceof Error ? cause.message || (cause as { code?: string }).code : String(cause);
  const shown = state === undefined ? reason : `${reason} (SQLSTATE ${state})`;
  return new WindrowError('POSTGRES_FAILED', `Postgres did not ${what}: ${shown}${wayOut(state)}`, {
    retriable,
    cause,
  });
}

const isPassing = (state: string): boolean =>
  passingClasses.has(state.slice(0, 2)) || passingStates.has(state);

/** Refused, reset, timed out: what comes without a SQLSTATE. */
function isTransport(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (syscall !== undefined || /^(E[A-Z_]+|ABORT_ERR)$/.test(code ?? '')) return true;
  return /connection|timeout|terminated|not queryable|client has encountered/i.test(error.message);
}

function wayOut(state: string | undefined): string {
  if (state === '42P01' || state === '42703' || state === '3F000')
    return '; apply the migrations: `windrow streams apply`';
  if (state?.startsWith('28') || state === '3D000') return '; check DATABASE_URL';
  if (state === '42501') return '; grant it to the user of DATABASE_URL';
  return '';
}
