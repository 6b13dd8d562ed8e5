import type { AvroField, AvroRecordSchema } from './avro/avro-record.ts';

/** A way to find the series of an event. Names are compared without case, spaces around them, and the form of their characters. */
export type Locator =
  /** The field holds the name of the series, or another name of it: see {@link AsOfJoin.aliases}. */
  | { by: 'field'; field: string }
  /** The series with the nearest coordinates, at most `withinKm` away. A series has the coordinates of its newest row. */
  | { by: 'coordinates'; latitude: string; longitude: string; withinKm: number }
  /**
   * The city of an IANA time zone: `Europe/Zurich` → `Zurich`, `America/New_York` → `New York`. If the table lacks it, the city
   * after which the zone is named now or was named before: `Asia/Calcutta` → `Kolkata`, `Europe/Kyiv` → `Kiev`.
   */
  | { by: 'timezone'; field: string };

/**
 * Joins an event with another stream, which is held in memory as a table. The event gets the newest row of its series
 * that is not later than the event, unless that row is older than `maxAgeMs`. The step adds {@link joinFieldNames} and
 * the table's `fields` under their own names.
 */
export interface AsOfJoin {
  kind: 'asOfJoin';
  /** The stream that is the table. Its raw topic is read completely. */
  table: string;
  /** The table's field that names the series of a row (for weather: the city). */
  series: string;
  /** The table's fields with the coordinates of a series, in degrees; for `by: 'coordinates'`. */
  coordinates: { latitude: string; longitude: string };
  /** Tried in this order; the first that finds a series of the table wins. */
  locate: Locator[];
  /** Series → its other names, for example `{ Munich: ['München', 'MUC'] }`. A series of the table with such a name goes first. */
  aliases?: Readonly<Record<string, readonly string[]>>;
  maxAgeMs: number;
  /** Unique among the joins of a stream. */
  prefix: string;
  /** The table's fields that are copied into the event. */
  fields: string[];
}

/** The part of a stream's contract that a join with it needs. */
export interface JoinedTable {
  name: string;
  eventTime: string;
  schema: AvroRecordSchema;
}

/** The field with the result of a join: matched, stale, missing or no_location. */
export function matchFieldOf({ prefix }: Pick<AsOfJoin, 'prefix'>): string {
  return `${prefix}_match`;
}

/** The fields that a join adds beside the table's own. */
export function joinFieldNames(join: AsOfJoin, { eventTime }: Pick<JoinedTable, 'eventTime'>) {
  const { prefix, series } = join;
  return {
    match: matchFieldOf(join),
    ageS: `${prefix}_age_s`,
    time: `${prefix}_${eventTime}`,
    series: `${prefix}_${series}`,
  };
}

/** All fields that a join adds, in the order of the enriched schema. */
export function joinFields(join: AsOfJoin, table: JoinedTable): AvroField[] {
  const names = joinFieldNames(join, table);
  return [
    { name: names.match, type: 'string', doc: 'matched, stale, missing or no_location' },
    { name: names.ageS, type: 'long', doc: `Seconds from the ${table.name} to the event` },
    {
      name: names.time,
      type: { type: 'long', logicalType: 'timestamp-millis' },
      doc: `The ${table.name}'s time`,
    },
    { name: names.series, type: 'string', doc: `The ${join.series} whose ${table.name} was asked for` },
    ...join.fields.flatMap((name) => table.schema.fields.find((field) => field.name === name) ?? []),
  ];
}

/** The event's fields that a locator reads. */
export function fieldsOfLocator(locator: Locator): string[] {
  return locator.by === 'coordinates' ? [locator.latitude, locator.longitude] : [locator.field];
}
