import type { Database } from '@windrow/postgres';
import { gauge, type Logger, type Registry } from '@windrow/runtime';

const lookEveryMs = 15_000;

interface Told {
  stream: string;
  state: string;
  replays: string;
  rows: string;
}

/**
 * Tells what `windrow.replay` says: replays run in processes of their own, which are gone before anybody scrapes them. Each
 * instance of the sink tells the same.
 * @returns ends it
 */
export function watchReplays(database: Database, registry: Registry, log: Logger): () => void {
  const replays = gauge(registry, {
    name: 'windrow_replays',
    help: 'Replays by state: staging and staged have changed nothing yet, swapping is replacing rows, done and cancelled have ended',
    labels: ['stream', 'state'],
  });
  const rows = gauge(registry, {
    name: 'windrow_replayed_rows',
    help: 'Rows that replays have replaced',
    labels: ['stream'],
  });
  const look = async () => {
    const told = await database.use('tell of its replays', (db) =>
      db.query<Told>(
        `SELECT stream, state, count(*) AS replays, coalesce(sum((counts->>'rows')::bigint), 0) AS rows
         FROM windrow.replay GROUP BY stream, state`,
      ),
    );
    replays.reset();
    for (const { stream, state, replays: count } of told.rows) replays.set({ stream, state }, Number(count));
    for (const [stream, of] of Map.groupBy(told.rows, (row) => row.stream)) {
      const ended = of.filter(({ state }) => state === 'done');
      rows.set(
        { stream },
        ended.reduce((sum, row) => sum + Number(row.rows), 0),
      );
    }
  };
  const lookAgain = () => {
    look().catch((error: unknown) => log.debug({ err: error }, 'not known which replays there are; later'));
  };
  lookAgain();
  const timer = setInterval(lookAgain, lookEveryMs);
  return () => clearInterval(timer);
}
