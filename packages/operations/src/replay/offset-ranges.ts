import { WindrowError } from '@windrow/runtime';

export interface OffsetRange {
  partition: number;
  /** First offset. */
  from: number;
  /** The offset behind the last one. */
  to: number;
}

/** Which offsets of which partitions: ranges that neither overlap nor touch, in ascending order. */
export class OffsetRanges {
  readonly #bounds = new Map<number, Float64Array>();

  /** Ranges in any order; those that overlap or touch become one. */
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

  /** Single offsets by partition, in any order. */
  static ofOffsets(offsets: ReadonlyMap<number, number[]>): OffsetRanges {
    const ranges: OffsetRange[] = [];
    for (const [partition, of] of offsets) {
      const sorted = Float64Array.from(of).sort();
      for (let first = 0; first < sorted.length; ) {
        let last = first;
        while (last + 1 < sorted.length && sorted[last + 1]! <= sorted[last]! + 1) last += 1;
        ranges.push({ partition, from: sorted[first]!, to: sorted[last]! + 1 });
        first = last + 1;
      }
    }
    return OffsetRanges.of(ranges);
  }

  /**
   * `0:100-200,1:0-50`: partition, first offset, offset behind the last.
   * @throws WindrowError USAGE
   */
  static parse(text: string): OffsetRanges {
    const ranges = text.split(',').map((part): OffsetRange => {
      const [, partition, from, to] = /^\s*(\d+):(\d+)-(\d+)\s*$/.exec(part) ?? [];
      const range = { partition: Number(partition), from: Number(from), to: Number(to) };
      if (to !== undefined && range.from < range.to) return range;
      const message = `${JSON.stringify(part)} is no range of offsets: write PARTITION:FROM-TO, where TO is the offset behind the last one, as 0:100-200`;
      throw new WindrowError('USAGE', message);
    });
    return OffsetRanges.of(ranges);
  }

  get isEmpty(): boolean {
    return this.#bounds.size === 0;
  }

  /** Offsets; there may be fewer records. */
  get count(): number {
    return [...this].reduce((sum, { from, to }) => sum + to - from, 0);
  }

  get partitions(): number[] {
    return [...this.#bounds.keys()].sort((a, b) => a - b);
  }

  *[Symbol.iterator](): Generator<OffsetRange> {
    for (const partition of this.partitions) {
      const bounds = this.#bounds.get(partition)!;
      for (let at = 0; at < bounds.length; at += 2)
        yield { partition, from: bounds[at]!, to: bounds[at + 1]! };
    }
  }

  has(partition: number, offset: number): boolean {
    return this.overlaps(partition, offset, offset + 1);
  }

  /** Whether one of the offsets `from ≤ offset < to` is among them. */
  overlaps(partition: number, from: number, to: number): boolean {
    const bounds = this.#bounds.get(partition);
    if (!bounds || to <= from) return false;
    // The first range that ends behind `from`.
    let [low, high] = [0, bounds.length / 2];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (bounds[2 * middle + 1]! <= from) low = middle + 1;
      else high = middle;
    }
    return low < bounds.length / 2 && bounds[2 * low]! < to;
  }

  /** The first offset of a partition, and the one behind its last; undefined where it has none. */
  span(partition: number): { from: number; to: number } | undefined {
    const bounds = this.#bounds.get(partition);
    return bounds && { from: bounds[0]!, to: bounds.at(-1)! };
  }

  /** Only what lies in `from ≤ offset < to` of each partition. */
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

  /** `0:100-200, 1:0-50`; of many only how many. */
  toString(): string {
    const ranges = [...this];
    if (ranges.length > 8) return `${ranges.length} ranges of ${this.partitions.length} partitions`;
    return ranges.map(({ partition, from, to }) => `${partition}:${from}-${to}`).join(', ');
  }
}
