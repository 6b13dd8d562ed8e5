import type { Installation } from '../installation.ts';
import { readColumns } from '../parquet.ts';

/** Flights that departed, by what fell on the airport when they did. Delays in minutes; cancelled flights have none. */
export interface Answer {
  wet: Delay;
  dry: Delay;
}

export interface Delay {
  flights: number;
  meanMinutes: number;
}

const departed = 'Flight Departed';

/** Asked of the curated table by SQL. */
export async function askPostgres(installation: Installation): Promise<Answer> {
  const rows = await installation.postgres.query<{ wet: boolean; flights: string; mean: number }>(
    `SELECT precip_type IS NOT NULL AS wet, count(*) AS flights, avg((properties->>'dep_delay_min')::float8) AS mean
     FROM curated.track_event
     WHERE event_name = $1 AND properties->>'dep_delay_min' IS NOT NULL
     GROUP BY 1`,
    [departed],
  );
  const delay = (wet: boolean): Delay => {
    const row = rows.find((candidate) => candidate.wet === wet);
    return { flights: Number(row?.flights ?? 0), meanMinutes: row?.mean ?? Number.NaN };
  };
  return { wet: delay(true), dry: delay(false) };
}

/**
 * Asked of the Parquet files that lie under `date=…`, as any reader would that knows nothing of the table's log or of our
 * ledger.
 */
export async function askLakeFiles({ lake }: Installation): Promise<Answer> {
  const columns = ['event_name', 'properties', 'precip_type'];
  const sums = { wet: { flights: 0, minutes: 0 }, dry: { flights: 0, minutes: 0 } };
  for await (const { key } of lake.list({ prefix: 'curated/track/date=' })) {
    if (!key.endsWith('.parquet')) continue;
    for (const row of await readColumns(lake, key, columns)) {
      const minutes = delayOf(row.properties);
      if (row.event_name !== departed || minutes === undefined) continue;
      const sum = row.precip_type === null ? sums.dry : sums.wet;
      sum.flights += 1;
      sum.minutes += minutes;
    }
  }
  const delay = ({ flights, minutes }: { flights: number; minutes: number }): Delay => ({
    flights,
    meanMinutes: minutes / flights,
  });
  return { wet: delay(sums.wet), dry: delay(sums.dry) };
}

function delayOf(properties: unknown): number | undefined {
  if (typeof properties !== 'string') return undefined;
  const { dep_delay_min: minutes } = JSON.parse(properties) as { dep_delay_min?: unknown };
  return typeof minutes === 'number' ? minutes : undefined;
}

/** Whether both counted the same flights and found the same mean delays, up to the order of summing. */
export function agree(one: Answer, other: Answer): boolean {
  return [
    [one.wet, other.wet],
    [one.dry, other.dry],
  ].every(
    ([a, b]) =>
      a !== undefined &&
      b !== undefined &&
      a.flights > 0 &&
      a.flights === b.flights &&
      Math.abs(a.meanMinutes - b.meanMinutes) < 1e-6,
  );
}
