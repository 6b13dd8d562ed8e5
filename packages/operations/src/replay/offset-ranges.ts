import { WindrowError } from '@windrow/runtime';

export interface OffsetRange {
  partition: number;
  /** The first offset. */
  from: number;
  /** The offset after the last one. */
  to: number;
}

/** A set of offsets of partitions, as ranges in ascending order that neither overlap nor touch. */
export class OffsetRanges {
  /** By partition: `from` and `to` of each range, one after the other. */
  readonly #bounds = new Map<number, Float64Array>();

  /** Accepts ranges in any order. Ranges that overlap or touch become one. */
  static of(ranges: Iterable<OffsetRange>): OffsetRanges {
    const made = new OffsetRanges();
    for (const [partition, of] of Map.groupBy(ranges, (range) => range.partition)) {
      const bounds: number[] = [];
      for (const { from, to } of of
        .filter((range) => range.to > range.from)
        .sort((a, b) => a.from - b.from)) {
        const end = bounds.at(-1);
        if (end !== undefined && from <= end) bounds[bounds.length - 1] = Math.max(end, to);
        else bounds.push(from, to);
      }
      if (bounds.length > 0) made.#bounds.set(partition, Float64Array.from(bounds));
    }
    return made;
  }

  /** Accepts single offsets by partition, in any order. */
  static ofOffsets(offsets: ReadonlyMap<number, number[]>): OffsetRanges {
    const ranges: OffsetRange[] = [];
    for (const [partition, of] of offsets) {
      let range: OffsetRange | undefined;
      for (const offset of Float64Array.from(of).sort()) {
        if (range && offset <= range.to) {
          range.to = offset + 1;
        } else {
          range = { partition, from: offset, to: offset + 1 };
          ranges.push(range);
        }
      }
    }
    return OffsetRanges.of(ranges);
  }

  /**
   * Parses `0:100-200,1:0-50`: the partition, its first offset and the offset after the last one.
   * @throws WindrowError USAGE
   */
  static parse(text: string): OffsetRanges {
    const ranges = text.split(',').map((part): OffsetRange => {
      const [, partition, from, to] = /^\s*(\d+):(\d+)-(\d+)\s*$/.exec(part) ?? [];
      const range = { partition: Number(partition), from: Number(from), to: Number(to) };
      if (to !== undefined && range.from < range.to) return range;
      const message = `${JSON.stringify(part)} is not a range of offsets. Write PARTITION:FROM-TO, for example 0:100-200; TO is exclusive`;
      throw new WindrowError('USAGE', message);
    });
    return OffsetRanges.of(ranges);
  }

  get isEmpty(): boolean {
    return this.#bounds.size === 0;
  }

  /** The number of offsets. There may be fewer records. */
  get count(): number {
    return [...this].reduce((sum, { from, to }) => sum + to - from, 0);
  }

  get partitions(): number[] {
    return [...this.#bounds.keys()].sort((a, b) => a - b);
  }

  *[Symbol.iterator](): Generator<OffsetRange> {
    for (const [partition, bounds] of [...this.#bounds].sort(([a], [b]) => a - b)) {
      let from: number | undefined;
      for (const bound of bounds) {
        if (from === undefined) {
          from = bound;
        } else {
          yield { partition, from, to: bound };
          from = undefined;
        }
      }
    }
  }

  has(partition: number, offset: number): boolean {
    return this.overlaps(partition, offset, offset + 1);
  }

  /** Whether the set has one of the offsets `from ≤ offset < to`. */
  overlaps(partition: number, from: number, to: number): boolean {
    const bounds = this.#bounds.get(partition);
    if (!bounds || to <= from) return false;
    // Binary search for the first range that ends after `from`.
    let [low, high] = [0, bounds.length / 2];
    while (low < high) {
      const middle = (low + high) >>> 1;
      // `middle` is below the number of ranges, so its bound is there.
      if ((bounds[2 * middle + 1] ?? Number.NaN) <= from) low = middle + 1;
      else high = middle;
    }
    const begin = bounds[2 * low];
    return begin !== undefined && begin < to;
  }

  /** The first offset of a partition and the one after its last; undefined for a partition without offsets. */
  span(partition: number): { from: number; to: number } | undefined {
    const bounds = this.#bounds.get(partition);
    const [from, to] = [bounds?.[0], bounds?.at(-1)];
    return from === undefined || to === undefined ? undefined : { from, to };
  }

  /** The offsets of the set that are in `from ≤ offset < to` of their partition. */
  within(limits: (partition: number) => { from?: number; to?: number }): OffsetRanges {
    return OffsetRanges.of(
      [...this].map(({ partition, from, to }) => {
        const limit = limits(partition);
        return { partition, from: Math.max(from, limit.from ?? 0), to: Math.min(to, limit.to ?? to) };
      }),
    );
  }

  toJSON(): OffsetRange[] {
    return [...this];
  }

  /** `0:100-200, 1:0-50`; of more than 8 ranges only the number. */
  toString(): string {
    const ranges = [...this];
    if (ranges.length > 8) return `${ranges.length} ranges of ${this.partitions.length} partitions`;
    return ranges.map(({ partition, from, to }) => `${partition}:${from}-${to}`).join(', ');
  }
}
