import type { LakeScan } from './lake-scan.ts';
import type { OffsetRanges } from './offset-ranges.ts';

/** An event that the enricher has accepted, with the position and time that its row has. */
export interface Accepted {
  /** Its offset in the enriched topic. */
  landedOffset: number;
  ingestedAtMs: number;
  /** Whether it has a row now. If not, an earlier replay has withdrawn the row. */
  hasRow: boolean;
}

/** Parallel arrays: a place holds the values of one event. Places from `used` on are free. */
interface Partition {
  rawOffsets: Float64Array;
  landedOffsets: Float64Array;
  ingestedAtMs: Float64Array;
  hasRow: Uint8Array;
  used: number;
}

/**
 * The events of a range that the enricher has accepted, by partition and offset in the raw topic. A replay replaces the rows of
 * these events only. An event takes 25 bytes of memory.
 */
export class AcceptedEvents {
  readonly #partitions = new Map<number, Partition>();

  /** Reads the rows of the curated table and adds the events that earlier replays have withdrawn from it. */
  static async read(
    curated: LakeScan,
    ranges: OffsetRanges,
    withdrawn: Iterable<{ partition: number; rawOffset: number; landedOffset: number; ingestedAtMs: number }>,
  ): Promise<AcceptedEvents> {
    const events = new AcceptedEvents();
    await curated.numbers(
      ['_partition', '_raw_offset', '_offset', '_ingested_at'],
      (bounds) => bounds.mayHoldSome(ranges, '_raw_offset'),
      ([partition, rawOffset, offset, ingestedAtMs]) => {
        if (ranges.has(partition, rawOffset)) events.#add(partition, rawOffset, offset, ingestedAtMs, 1);
      },
    );
    for (const { partition, rawOffset, landedOffset, ingestedAtMs } of withdrawn) {
      if (ranges.has(partition, rawOffset)) events.#add(partition, rawOffset, landedOffset, ingestedAtMs, 0);
    }
    for (const partition of events.#partitions.values()) sort(partition);
    return events;
  }

  /** The number of events that have a row now. */
  get rows(): number {
    let rows = 0;
    for (const { hasRow, used } of this.#partitions.values())
      for (const own of hasRow.subarray(0, used)) rows += own;
    return rows;
  }

  /** The events in these ranges that have a row and for which `isWanted` is true. */
  rowsIn(ranges: OffsetRanges, isWanted: (partition: number, offset: number) => boolean) {
    const wanted: { partition: number; offset: number }[] = [];
    for (const [partition, { rawOffsets, hasRow, used }] of this.#partitions) {
      for (let at = 0; at < used; at++) {
        const offset = rawOffsets[at];
        if (offset === undefined || hasRow[at] !== 1) continue;
        if (ranges.has(partition, offset) && isWanted(partition, offset)) wanted.push({ partition, offset });
      }
    }
    return wanted;
  }

  at(partition: number, rawOffset: number): Accepted | undefined {
    const of = this.#partitions.get(partition);
    if (!of) return undefined;
    const at = placeOf(of, rawOffset);
    if (at === of.used || of.rawOffsets[at] !== rawOffset) return undefined;
    const landedOffset = of.landedOffsets[at];
    const ingestedAtMs = of.ingestedAtMs[at];
    if (landedOffset === undefined || ingestedAtMs === undefined) return undefined;
    return { landedOffset, ingestedAtMs, hasRow: of.hasRow[at] === 1 };
  }

  #add(
    partition: number,
    rawOffset: number,
    landedOffset: number,
    ingestedAtMs: number,
    hasRow: number,
  ): void {
    let of = this.#partitions.get(partition);
    if (!of) {
      of = { ...roomFor(1_024), used: 0 };
      this.#partitions.set(partition, of);
    }
    if (of.used === of.rawOffsets.length) {
      const grown = roomFor(2 * of.used);
      grown.rawOffsets.set(of.rawOffsets);
      grown.landedOffsets.set(of.landedOffsets);
      grown.ingestedAtMs.set(of.ingestedAtMs);
      grown.hasRow.set(of.hasRow);
      Object.assign(of, grown);
    }
    const at = of.used++;
    of.rawOffsets[at] = rawOffset;
    of.landedOffsets[at] = landedOffset;
    of.ingestedAtMs[at] = ingestedAtMs;
    of.hasRow[at] = hasRow;
  }
}

const roomFor = (events: number) => ({
  rawOffsets: new Float64Array(events),
  landedOffsets: new Float64Array(events),
  ingestedAtMs: new Float64Array(events),
  hasRow: new Uint8Array(events),
});

/** Binary search: the first place whose offset is not below `rawOffset`. */
function placeOf({ rawOffsets, used }: Partition, rawOffset: number): number {
  let [low, high] = [0, used];
  while (low < high) {
    const middle = (low + high) >>> 1;
    // `middle` is below `used`, so a value is there.
    if ((rawOffsets[middle] ?? Number.NaN) < rawOffset) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Sorts by offset. Of an offset that has a row and was withdrawn earlier, only the row stays. */
function sort(of: Partition): void {
  // Places are below `used`, so a value is there.
  const valueAt = (values: Float64Array | Uint8Array, place: number) => values[place] ?? Number.NaN;
  const order = Uint32Array.from({ length: of.used }, (_, place) => place).sort(
    (a, b) =>
      valueAt(of.rawOffsets, a) - valueAt(of.rawOffsets, b) || valueAt(of.hasRow, b) - valueAt(of.hasRow, a),
  );
  let previous: number | undefined;
  const places = order.filter((place) => {
    const offset = valueAt(of.rawOffsets, place);
    const isFirst = offset !== previous;
    previous = offset;
    return isFirst;
  });
  const picked = (values: Float64Array) => Float64Array.from(places, (place) => valueAt(values, place));
  Object.assign(of, {
    rawOffsets: picked(of.rawOffsets),
    landedOffsets: picked(of.landedOffsets),
    ingestedAtMs: picked(of.ingestedAtMs),
    hasRow: Uint8Array.from(places, (place) => valueAt(of.hasRow, place)),
    used: places.length,
  });
}
