import { type AsOfJoin, type EventRecord, foldedName, type StreamContract } from '@windrow/contracts';
import { around } from 'geokdbush';
import KDBush from 'kdbush';

/** One row of a series. `values`: of the fields of the join, in their order. */
export interface TableRow {
  readonly series: string;
  readonly timeMs: number;
  readonly values: readonly unknown[];
  /** Degrees; null if the row has no coordinates. */
  readonly latitude: number | null;
  readonly longitude: number | null;
}

interface Series {
  /** As its first row spells it. */
  name: string;
  /** All names of its rows: they differ only in what {@link foldedName} removes. */
  spellings: Set<string>;
  /** Ascending; `timesMs[i]` is the time of `rows[i]`. Rows with equal times are in the order of their arrival. */
  timesMs: number[];
  rows: TableRow[];
  /** The newest row with coordinates. */
  located: TableRow | null;
}

/** Small, because a query for the nearest place measures each place of a leaf: 3.0 µs, against 5.2 µs with 64. */
const leafPlaces = 8;

/** `names[i]` is the series of the i-th place in the index. An index can't be empty, so it is null without places. */
interface Places {
  index: KDBush | null;
  names: string[];
}

/**
 * A stream as a table in memory, with the rows of each series in the order of time. A new record of a key replaces its row,
 * and a record without a value deletes it, like compaction of the topic. Measured: 480 bytes for a row with nine fields.
 */
export class ReferenceTable {
  /** By folded name. */
  readonly #series = new Map<string, Series>();
  /** By the names that rows have, which most events have too: folding a name costs more than finding it. */
  readonly #bySpelling = new Map<string, Series>();
  readonly #byKey = new Map<string, TableRow>();
  #places: Places | null = null;

  get size(): number {
    return this.#byKey.size;
  }

  put(key: string, row: TableRow): void {
    this.delete(key);
    this.#byKey.set(key, row);
    const series = this.#seriesOf(row.series);
    const at = countUpTo(series.timesMs, row.timeMs);
    if (at === series.rows.length) {
      series.timesMs.push(row.timeMs);
      series.rows.push(row);
    } else {
      series.timesMs.splice(at, 0, row.timeMs);
      series.rows.splice(at, 0, row);
    }
    if (hasPlace(row) && (series.located === null || row.timeMs >= series.located.timeMs))
      this.#locate(series, row);
  }

  delete(key: string): void {
    const row = this.#byKey.get(key);
    if (!row) return;
    this.#byKey.delete(key);
    const series = this.#find(row.series) as Series;
    const at = series.rows.lastIndexOf(row, countUpTo(series.timesMs, row.timeMs) - 1);
    series.timesMs.splice(at, 1);
    series.rows.splice(at, 1);
    if (series.located === row) this.#locate(series, series.rows.findLast(hasPlace) ?? null);
    if (series.rows.length > 0) return;
    this.#series.delete(foldedName(series.name));
    for (const spelling of series.spellings) this.#bySpelling.delete(spelling);
  }

  /** The series with this name, as its first row spells it; null if there is none. The name may differ in case and spaces. */
  seriesNamed(name: string): string | null {
    return this.#find(name)?.name ?? null;
  }

  #find(name: string): Series | undefined {
    return this.#bySpelling.get(name) ?? this.#series.get(foldedName(name));
  }

  /** Makes the series if it does not exist. */
  #seriesOf(name: string): Series {
    const known = this.#bySpelling.get(name);
    if (known) return known;
    const key = foldedName(name);
    const series = this.#series.get(key) ?? {
      ...{ name, spellings: new Set<string>(), timesMs: [], rows: [], located: null },
    };
    series.spellings.add(name);
    this.#series.set(key, series);
    this.#bySpelling.set(name, series);
    return series;
  }

  /** The newest row of the series at or before the time; null if there is none. */
  asOf(series: string, timeMs: number): TableRow | null {
    const found = this.#find(series);
    if (!found) return null;
    return found.rows[countUpTo(found.timesMs, timeMs) - 1] ?? null;
  }

  /** The series with the nearest newest coordinates, at most `withinKm` away (great circle). Coordinates are in degrees. */
  nearest(latitude: number, longitude: number, withinKm: number): string | null {
    this.#places ??= this.#indexPlaces();
    const { index, names } = this.#places;
    const [nearest] = index === null ? [] : around(index, longitude, latitude, 1, withinKm);
    return nearest === undefined ? null : (names[nearest] ?? null);
  }

  #locate(series: Series, row: TableRow | null): void {
    const { located } = series;
    series.located = row;
    if (located?.latitude !== row?.latitude || located?.longitude !== row?.longitude) this.#places = null;
  }

  #indexPlaces(): Places {
    const names: string[] = [];
    const placed: TableRow[] = [];
    for (const { name, located } of this.#series.values()) {
      if (located === null) continue;
      names.push(name);
      placed.push(located);
    }
    if (placed.length === 0) return { index: null, names };
    const index = new KDBush(placed.length, leafPlaces);
    for (const { longitude, latitude } of placed) index.add(longitude as number, latitude as number);
    return { index: index.finish(), names };
  }
}

const hasPlace = (row: TableRow): boolean => row.latitude !== null && row.longitude !== null;

/** How many of the ascending times are at or before the time. Most queries are for a time after the newest. */
function countUpTo(timesMs: number[], timeMs: number): number {
  let low = 0;
  let high = timesMs.length;
  if (high > 0 && (timesMs[high - 1] as number) <= timeMs) return high;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((timesMs[middle] as number) <= timeMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Makes the rows of a join's table from the table's records. */
export function rowMaker(
  { series, fields, coordinates }: AsOfJoin,
  { eventTime }: Pick<StreamContract, 'eventTime'>,
): (record: EventRecord) => TableRow {
  return (record) => ({
    series: String(record[series]),
    timeMs: Number(record[eventTime]),
    values: fields.map((field) => record[field] ?? null),
    latitude: degrees(record[coordinates.latitude]),
    longitude: degrees(record[coordinates.longitude]),
  });
}

const degrees = (value: unknown): number | null =>
  typeof value === 'number' && Number.isFinite(value) ? value : null;
