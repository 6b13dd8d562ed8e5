import type { LakeScan } from './lake-scan.ts';
import type { OffsetRanges } from './offset-ranges.ts';

/** An event that the enricher has accepted, and where its row says that it came from. */
export interface Accepted {
  /** In the enriched topic. */
  landedOffset: number;
  ingestedAtMs: number;
  /** Whether it has a row now; else an earlier replay has withdrawn it. */
  hasRow: boolean;
}

interface Partition {
  rawOffsets: Float64Array;
  landedOffsets: Float64Array;
  ingestedAtMs: Float64Array;
  hasRow: Uint8Array;
  used: number;
}

/**
 * The events of a range that the enricher has accepted, by partition and offset in the raw topic: a replay makes their rows
 * anew, and those of no others. 25 bytes for each.
 */
export class AcceptedEvents {
  readonly #partitions = new Map<number, Partition>();

  /** Rows of the curated table, and what earlier replays have withdrawn from it. */
  static async read(
    curated: LakeScan,
    ranges: OffsetRanges,
    withdrawn: Iterable<{ partition: number; rawOffset: number; landedOffset: number; ingestedAtMs: number }>,
  ): Promise<AcceptedEvents> {
    const events = new AcceptedEvents();
    await curated.numbers(
      ['_partition', '_raw_offset', '_offset', '_ingested_at'],
      (bounds) => bounds.mayHoldSome(ranges, '_raw_offset'),
      ([partitions, rawOffsets, offsets, times]) => {
        for (let row = 0; row < partitions!.length; row++) {
          const [partition, rawOffset] = [partitions![row]!, rawOffsets![row]!];
          if (ranges.has(partition, rawOffset))
            events.#add(partition, rawOffset, offsets![row]!, times![row]!, 1);
        }
      },
    );
    for (const { partition, rawOffset, landedOffset, ingestedAtMs } of withdrawn) {
      if (ranges.has(partition, rawOffset)) events.#add(partition, rawOffset, landedOffset, ingestedAtMs, 0);
    }
    for (const partition of events.#partitions.values()) sort(partition);
    return events;
  }

  get rows(): number {
    let rows = 0;
    for (const { hasRow, used } of this.#partitions.values())
      for (let at = 0; at < used; at++) rows += hasRow[at]!;
    return rows;
  }

  /** Those with a row, in these ranges, that `isWanted`. */
  rowsIn(ranges: OffsetRanges, isWanted: (partition: number, offset: number) => boolean) {
    const wanted: { partition: number; offset: number }[] = [];
    for (const [partition, { rawOffsets, hasRow, used }] of this.#partitions) {
      for (let at = 0; at < used; at++) {
        const offset = rawOffsets[at]!;
        if (hasRow[at] === 1 && ranges.has(partition, offset) && isWanted(partition, offset))
          wanted.push({ partition, offset });
      }
    }
    return wanted;
  }

  at(partition: number, rawOffset: number): Accepted | undefined {
    const of = this.#partitions.get(partition);
    if (!of) return undefined;
    const at = placeOf(of, rawOffset);
    if (at === of.used || of.rawOffsets[at] !== rawOffset) return undefined;
    return {
      landedOffset: of.landedOffsets[at]!,
      ingestedAtMs: of.ingestedAtMs[at]!,
      hasRow: of.hasRow[at] === 1,
    };
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

/** The first place whose offset is not below. */
function placeOf({ rawOffsets, used }: Partition, rawOffset: number): number {
  let [low, high] = [0, used];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (rawOffsets[middle]! < rawOffset) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** By offset; of one offset the row comes before what was withdrawn, which is gone. */
function sort(of: Partition): void {
  const order = Uint32Array.from({ length: of.used }, (_, at) => at).sort(
    (a, b) => of.rawOffsets[a]! - of.rawOffsets[b]! || of.hasRow[b]! - of.hasRow[a]!,
  );
  const places = [...order].filter(
    (place, at) => at === 0 || of.rawOffsets[place] !== of.rawOffsets[order[at - 1]!],
  );
  const picked = (values: Float64Array) => Float64Array.from(places, (place) => values[place]!);
  Object.assign(of, {
    rawOffsets: picked(of.rawOffsets),
    landedOffsets: picked(of.landedOffsets),
    ingestedAtMs: picked(of.ingestedAtMs),
    hasRow: Uint8Array.from(places, (place) => of.hasRow[place]!),
    used: places.length,
  });
}
