import { isUtf8 } from 'node:buffer';
import type { Item } from './item.ts';

/** Parses one JSON text. */
export function parseJson(text: Buffer, line: number): Item {
  if (!isUtf8(text)) return { ok: false, line, text, reason: 'not_utf8', message: 'its bytes are not UTF-8' };
  try {
    return { ok: true, line, text, value: JSON.parse(text.toString('utf8')) };
  } catch (error) {
    return { ok: false, line, text, reason: 'not_json', message: (error as SyntaxError).message };
  }
}
