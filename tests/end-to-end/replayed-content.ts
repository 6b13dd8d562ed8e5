import { readWithDeltaRs } from '../readers/readers.ts';
import type { Installation } from './installation.ts';

/** Everything that a reader can see of what a replay makes, as hashes; but for where it lies. */
export async function replayedContent(windrow: Installation): Promise<readonly unknown[]> {
  const [events] = await windrow.sql(
    `select count(*)::int as rows, md5(string_agg(t::text, '|' order by event_id, occurred_at)) as hash from curated.track_event t`,
  );
  const [windows] = await windrow.sql(
    `select count(*)::int as rows, md5(string_agg(t::text, '|' order by window_start, city, event_name)) as hash from curated.city_window t`,
  );
  const [lake] = await windrow.lake(
    readWithDeltaRs,
    'curated/track',
    `select count(*)::int as rows, md5(string_agg(t::varchar, '|' order by event_id, _offset)) as hash from t`,
  );
  return [events, windows, lake];
}
