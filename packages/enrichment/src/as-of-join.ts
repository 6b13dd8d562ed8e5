import {
  type AsOfJoin,
  type EventRecord,
  joinFieldNames,
  ok,
  type StepOutcome,
  type StreamContract,
} from '@windrow/contracts';
import { locateBy } from './locate.ts';
import type { ReferenceTable } from './reference-table.ts';

/** The result of a join, which the enriched record has in `<prefix>_match`. */
export const matches = ['matched', 'stale', 'missing', 'no_location'] as const;
export type Match = (typeof matches)[number];

/**
 * Joins a record with the newest row of its series at or before its event time. If the row is older than `maxAgeMs`, the
 * match is `stale`: the record gets the age and the time of the row, but not its values.
 */
export function asOfJoin(
  join: AsOfJoin,
  { eventTime }: Pick<StreamContract, 'eventTime'>,
  tableContract: StreamContract,
  table: ReferenceTable,
): (record: EventRecord) => StepOutcome {
  const { fields, maxAgeMs } = join;
  const names = joinFieldNames(join, tableContract);
  const locate = locateBy(join, table);
  return (record) => {
    // A time beyond 2^53 is a bigint.
    const timeMs = Number(record[eventTime]);
    const series = locate(record);
    const row = series === null ? null : table.asOf(series, timeMs);
    const ageMs = row === null ? 0 : timeMs - row.timeMs;
    const match: Match =
      series === null ? 'no_location' : row === null ? 'missing' : ageMs > maxAgeMs ? 'stale' : 'matched';
    // Always in this order: records of one shape are encoded faster.
    record[names.match] = match;
    record[names.ageS] = row === null ? null : Math.floor(ageMs / 1000);
    record[names.time] = row === null ? null : row.timeMs;
    record[names.series] = row === null ? series : row.series;
    const values = match === 'matched' && row !== null ? row.values : null;
    for (let at = 0; at < fields.length; at++)
      record[fields[at] as string] = values === null ? null : values[at];
    return ok;
  };
}
