import type { InputTraits } from '@windrow/contracts';

/** Longer lines and elements are rejected without holding them in memory. Only their beginning is kept. */
export const maxItemBytes = 1_048_576;

/** Bytes that are kept of an item that is too long. */
export const keptOfOverlongBytes = 4_096;

/** One event of a file. `text` is its bytes in the file, without a separator; `line` counts from 1. */
export type Item =
  /** `unread`: the names in it that no field of the stream takes. */
  | { ok: true; value: unknown; line: number; text: Buffer; traits?: InputTraits; unread?: readonly string[] }
  /** `text` is cut if the item is too long. */
  | { ok: false; line: number; text: Buffer; reason: string; message: string };

/**
 * Splits a file into items, independently of how its bytes are cut into chunks. The texts of items are views of the chunks:
 * copy a text to keep it.
 */
export interface Splitter {
  push(chunk: Buffer): Item[];
  /** The remaining items, at the end of the file. */
  end(): Item[];
}

export function overlong(line: number, text: Buffer, bytes: number): Item {
  const kept = Buffer.from(text.subarray(0, keptOfOverlongBytes));
  return {
    ok: false,
    line,
    text: kept,
    reason: 'too_long',
    message: `${bytes} bytes long, over ${maxItemBytes}`,
  };
}

export function notUtf8(line: number, text: Buffer): Item {
  const message = 'its bytes are not UTF-8; name the encoding of the file with --encoding';
  return { ok: false, line, text, reason: 'not_utf8', message };
}
