import { type Connection, replayRate } from '@windrow/postgres';

/** Assumed rate of a stream that was never replayed. */
const eventsPerSecond = 10_000;
/** Time for opening readers and committing. It does not depend on the number of events. */
const overheadSeconds = 5;

/** Estimates the duration of a replay from the rate of the stream's largest replay so far. */
export async function expectedSeconds(db: Connection, stream: string, events: number): Promise<number> {
  const rate = (await replayRate(db, stream, overheadSeconds)) ?? eventsPerSecond;
  return overheadSeconds + events / rate;
}
