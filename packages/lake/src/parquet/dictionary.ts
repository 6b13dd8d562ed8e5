import type { PageBuffer } from './page-buffer.ts';

/** The different values of a column chunk in the order of their first use, and for each value its place among them. */
export interface Dictionary {
  readonly count: number;
  /** Of each value. */
  readonly places: Int32Array;
  /** Bits that a place takes, 1–16. */
  readonly bitWidth: number;
  /** The body of the dictionary page. */
  appendEntries(page: PageBuffer): void;
}

export const maxDictionaryEntries = 65_536;

/** Bits that the places of so many entries take. */
export function placeBits(entries: number): number {
  return Math.max(1, 32 - Math.clz32(entries - 1));
}
