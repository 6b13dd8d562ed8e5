import { WindrowError } from '@windrow/runtime';
import pg from 'pg';

/**
 * SQLSTATE classes of errors that depend on the state of the server or the connection, so that a retry may succeed:
 * connection, transaction rollback (serialization, deadlock), resources, object not in prerequisite state (lock not
 * available), operator intervention, system error.
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const passingClasses = new Set(['08', '40', '53', '55', '57', '58']);
/**
 * read_only_sql_transaction: the primary has become a standby. idle_in_transaction_session_timeout: this process was stopped.
 */
const passingStates = new Set(['25006', '25P03']);

/** SQLSTATE classes of errors about the values of a row, with the names of the SQL standard. Postgres rejects the row. */
const rejectionReasons: Record<string, string> = {
  '22': 'data_exception',
  '23': 'integrity_constraint_violation',
  '44': 'with_check_option_violation',
  '54': 'program_limit_exceeded',
  P0: 'raised_exception',
};

/** The reason for a row that is rejected before it is sent, because it can't be encoded. */
export const dataException = 'data_exception';

const stateOf = (error: unknown): string | undefined =>
  error instanceof pg.DatabaseError ? error.code : undefined;

/** Why Postgres rejected a row, as a short stable code; null if the error is not about a row. */
export function rejectionReasonOf(error: unknown): string | null {
  if (isMissingPartition(error)) return null;
  return rejectionReasons[stateOf(error)?.slice(0, 2) ?? ''] ?? null;
}

/** A row whose day has no partition. Postgres reports a check violation without a constraint. */
export function isMissingPartition(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === '23514' && error.constraint === undefined;
}

/** Whether an error came from the server or the connection, and not from our own code. */
export const isOfDatabase = (error: unknown): boolean => stateOf(error) !== undefined || isTransport(error);

/**
 * Converts an error of Postgres.
 * @param what completes the sentence “Postgres did not …”
 */
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

/** Errors of the connection (refused, reset, timed out), which have no SQLSTATE. */
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
