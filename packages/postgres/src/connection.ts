import pg from 'pg';
import { databaseError } from './database-error.ts';

const connectTimeoutMs = 10_000;

/** One connection, for work that needs a session: advisory locks, temporary tables, transactions. Its owner calls `end`. */
export type Connection = pg.Client;

/** @throws WindrowError POSTGRES_FAILED */
export async function connect(url: string, applicationName: string): Promise<Connection> {
  const connection = new pg.Client({
    connectionString: url,
    application_name: applicationName,
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
    options: '-c work_mem=64MB -c temp_buffers=64MB -c TimeZone=UTC',
  });
  // A broken connection fails the query that runs on it. Without a listener its error event would end the process.
  connection.on('error', () => undefined);
  try {
    await connection.connect();
  } catch (cause) {
    throw databaseError('take a connection', cause);
  }
  return connection;
}

/** A few connections for single queries. They are opened by the first query. */
export class QueryPool {
  readonly #pool: pg.Pool;

  constructor(url: string, applicationName: string) {
    this.#pool = new pg.Pool({
      connectionString: url,
      max: 2,
      connectionTimeoutMillis: connectTimeoutMs,
      application_name: applicationName,
      options: '-c TimeZone=UTC',
    });
    // The pool replaces an idle connection that breaks when the next query comes.
    this.#pool.on('error', () => undefined);
  }

  /**
   * Runs queries of this package.
   * @param what completes the sentence “Postgres did not …”
   * @throws WindrowError POSTGRES_FAILED
   */
  async use<T>(what: string, queries: (db: pg.Pool) => Promise<T>): Promise<T> {
    try {
      return await queries(this.#pool);
    } catch (cause) {
      throw databaseError(what, cause);
    }
  }

  /** @throws WindrowError POSTGRES_FAILED */
  query<Row extends object>(sql: string, values: unknown[] = []): Promise<Row[]> {
    return this.use('answer a query', async (db) => (await db.query<Row>(sql, values)).rows);
  }

  close(): Promise<void> {
    return this.#pool.end();
  }
}
