/** Longer lines and elements are not held in memory: they are bad items, of which the beginning is kept. */
export const maxItemBytes = 1_048_576;

/** How much of an over-long item is kept to recognise it by. */
export const keptOfOverlongBytes = 4_096;

export type ItemFault = 'not_json' | 'not_utf8' | 'not_csv' | 'too_long';

/** What a file holds at one place: `text` is its bytes as they came, without a separator; `line` counts from 1. */
export type Item =
  | { ok: true; value: unknown; line: number; text: Buffer }
  /** `text` is cut where the item is over-long; `message` says what is wrong, for people. */
  | { ok: false; line: number; text: Buffer; reason: ItemFault; message: string };

/**
 * Takes a file apart, however its bytes are cut into chunks. The items' texts are views of the chunks: who keeps one for
 * long copies it.
 */
export interface Splitter {
  push(chunk: Buffer): Item[];
  /** What is left when the file has ended. */
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
