import { type EventRecord, joinFieldNames, type StreamContract } from '@windrow/contracts';
import { locateBy } from './locate.ts';
import type { ReferenceTable } from './reference-table.ts';

/** What became of an event at the join: what the enriched record's `<prefix>_match` says. */
export const matches = ['matched', 'stale', 'missing', 'no_location'] as const;
export type Match = (typeof matches)[number];

/** Writes the join's fields into the record, which gets the shape of the enriched schema. */
export type Join = (record: EventRecord) => Match;

/**
 * The join of a contract with its table: the event's series' newest row at or before the event's time. A row older than
 * `maxAgeMs` is `stale`: its age and time are given, its values are not.
 */
export function asOfJoin(
  contract: StreamContract,
  tableContract: StreamContract,
  table: ReferenceTable,
): Join {
  const { join, eventTime } = contract;
  if (!join) throw new TypeError(`${contract.name} joins nothing`);
  const { fields, maxAgeMs } = join;
  const names = joinFieldNames(contract, tableContract);
  const locate = locateBy(join, table);
  return (record) => {
    const timeMs = record[eventTime] as number;
    const series = locate(record);
    const row = series === null ? null : table.asOf(series, timeMs);
    const ageMs = row === null ? 0 : timeMs - row.timeMs;
    const match: Match =
      series === null ? 'no_location' : row === null ? 'missing' : ageMs > maxAgeMs ? 'stale' : 'matched';
    // Always in this order: records of one shape are encoded faster.
    record[names.match] = match;
    record[names.ageS] = row === null ? null : Math.floor(ageMs / 1000);
    record[names.time] = row === null ? null : row.timeMs;
    record[names.series] = series;
    const values = match === 'matched' && row !== null ? row.values : null;
    for (let at = 0; at < fields.length; at++)
      record[fields[at] as string] = values === null ? null : values[at];
    return match;
  };
}
