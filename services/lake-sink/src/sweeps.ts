import type { LakeTable } from '@windrow/lake';
import type { Logger } from '@windrow/runtime';
import type { Feed } from './feeds.ts';

const sweepEveryMs = 3_600_000;

/**
 * Deletes every hour the files that crashed sinks have left in the tables. Each claim does the same, but a sink may own its
 * partitions for a long time.
 * @returns a function that stops the sweeps
 */
export function startSweeps(tables: readonly { feed: Feed; table: LakeTable }[], log: Logger): () => void {
  const sweep = async () => {
    for (const { feed, table } of tables) {
      try {
        const { unnamedFiles, intents } = await table.sweep();
        if (intents > 0) log.info({ table: feed.table, unnamedFiles, intents }, 'swept');
      } catch (error) {
        log.warn({ table: feed.table, err: error }, 'sweep failed; will retry in an hour');
      }
    }
  };
  const timer = setInterval(() => void sweep(), sweepEveryMs);
  return () => clearInterval(timer);
}
