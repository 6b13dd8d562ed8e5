import { isUtf8 } from 'node:buffer';
import { maxJsonDepth, parseExactJson, scanJson } from '@windrow/contracts';
import { type Item, notUtf8 } from './item.ts';

/** Parses one JSON text, with each number as it is written. */
export function parseJson(text: Buffer, line: number): Item {
  if (!isUtf8(text)) return notUtf8(line, text);
  const scan = scanJson(text);
  if (scan.depth > maxJsonDepth) {
    const message = `nested ${scan.depth} levels deep; at most ${maxJsonDepth} are allowed`;
    return { ok: false, line, text, reason: 'too_deep', message };
  }
  try {
    const { hasBrokenText, numberTexts } = scan;
    const traits = { hasBrokenText, hasNumberTexts: numberTexts.length > 0 };
    return { ok: true, line, text, value: parseExactJson(text, scan), traits };
  } catch (error) {
    return { ok: false, line, text, reason: 'not_json', message: (error as SyntaxError).message };
  }
}
