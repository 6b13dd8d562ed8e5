import { type Connection, replayRate } from '@windrow/postgres';

/** Assumed for a stream that was never replayed. */
const eventsPerSecond = 10_000;
/** Opening readers and committing, whatever the size. */
const overheadSeconds = 5;

/** How long a replay of so many events should take, by the stream's largest replay so far. */
export async function expectedSeconds(db: Connection, stream: string, events: number): Promise<number> {
  const rate = (await replayRate(db, stream, overheadSeconds)) ?? eventsPerSecond;
  return overheadSeconds + events / rate;
}
