import { countReplays, type Database } from '@windrow/postgres';
import { gauge, type Logger, type Registry } from '@windrow/runtime';

const lookEveryMs = 15_000;

/**
 * Exports metrics of the replays that Postgres has recorded. A replay is a separate process and ends before Prometheus could
 * scrape it. Every instance of the sink exports the same values.
 * @returns a function that stops the export
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
    const counted = await database.use('count its replays', countReplays);
    replays.reset();
    for (const { stream, state, replays: count } of counted) replays.set({ stream, state }, count);
    for (const [stream, ofStream] of Map.groupBy(counted, (each) => each.stream))
      rows.set({ stream }, ofStream.find(({ state }) => state === 'done')?.rows ?? 0);
  };
  const lookAgain = () => {
    look().catch((error: unknown) => log.debug({ err: error }, 'cannot count the replays; will retry'));
  };
  lookAgain();
  const timer = setInterval(lookAgain, lookEveryMs);
  return () => clearInterval(timer);
}
