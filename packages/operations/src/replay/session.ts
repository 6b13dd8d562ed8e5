import { loadStreams, type StreamContract, streamNamed } from '@windrow/contracts';
import { type Connection, connect, lockReplays } from '@windrow/postgres';
import { loadConfig, postgresConfig, Teardown, WindrowError } from '@windrow/runtime';
import { type Installation, openInstallation } from '../installation.ts';

/** The clients that a replay uses. Whoever opens a session closes it. */
export interface Session {
  installation: Installation;
  /** A separate connection. It holds the stream's lock. */
  db: Connection;
  close(): Promise<void>;
}

export async function openSession(env: NodeJS.ProcessEnv): Promise<Session> {
  const config = loadConfig(postgresConfig, env);
  const teardown = new Teardown();
  const installation = await openInstallation(env);
  teardown.add('installation', () => installation.close());
  let db: Connection;
  try {
    db = await connect(config.DATABASE_URL, 'windrow-replay');
  } catch (error) {
    await teardown.run();
    throw error;
  }
  teardown.add('Postgres', () => db.end());
  return { installation, db, close: () => teardown.run() };
}

/**
 * Locks a stream for one replay, until the connection is closed.
 * @throws WindrowError REPLAY_IMPOSSIBLE while another replay of the stream is running
 */
export async function lockStream(db: Connection, stream: string): Promise<void> {
  if (await lockReplays(db, stream)) return;
  const message = `a replay of ${stream} is running: wait for it, or stop it (windrow replay list)`;
  throw new WindrowError('REPLAY_IMPOSSIBLE', message, { retriable: true });
}

/** A stream that can be replayed, with its topics and tables. */
export interface ReplayedStream {
  contract: StreamContract;
  contracts: StreamContract[];
  /** Path of the curated table. */
  curatedPath: string;
  rawTopic: string;
  enrichedTopic: string;
}

/** @throws WindrowError STREAM_UNKNOWN; USAGE for a stream without a curated table */
export async function replayedStream(name: string): Promise<ReplayedStream> {
  const contracts = await loadStreams();
  const contract = streamNamed(contracts, name);
  const { enriched, raw } = contract.topics;
  if (enriched && contract.lake.curated !== undefined) {
    const curatedPath = contract.lake.curated;
    return { contract, contracts, curatedPath, rawTopic: raw.name, enrichedTopic: enriched.name };
  }
  const message = `${name} has no curated table in the lake, so a replay has no rows to replace. Streams that can be replayed, also after ${name} has changed: ${contracts.flatMap((each) => (each.topics.enriched ? [each.name] : [])).join(', ')}`;
  throw new WindrowError('USAGE', message);
}
