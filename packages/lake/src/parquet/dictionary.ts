import type { PageBuffer } from './page-buffer.ts';

/** The distinct values of a column chunk in the order of their first occurrence, and the dictionary index of each value. */
export interface Dictionary {
  readonly count: number;
  /** The dictionary index of each value. */
  readonly places: Int32Array;
  /** Bits per index, 1–16. */
  readonly bitWidth: number;
  /** The body of the dictionary page. */
  appendEntries(page: PageBuffer): void;
}

export const maxDictionaryEntries = 65_536;

/** Bits per index for this many entries. */
export function placeBits(entries: number): number {
  return Math.max(1, 32 - Math.clz32(entries - 1));
}
