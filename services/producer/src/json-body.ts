import { isUtf8 } from 'node:buffer';
import { type JsonScan, NumberText, parseExactJson, scanJson } from '@windrow/contracts';

export type ParsedJson =
  | { ok: true; value: unknown; scan: JsonScan }
  | { ok: false; reason: 'not_json' | 'too_deep'; message: string };

/** Deeper bodies are not parsed, since code that walks over a value does so by recursion. */
const maxParsedDepth = 1_000;

/** Parses JSON (RFC 8259) in UTF-8 with a depth of up to 1,000, with each number as it is written. It never throws. */
export function parseJson(bytes: Buffer): ParsedJson {
  if (!isUtf8(bytes)) return { ok: false, reason: 'not_json', message: 'the body is not UTF-8' };
  const scan = scanJson(bytes);
  if (scan.depth > maxParsedDepth)
    return {
      ok: false,
      reason: 'too_deep',
      message: `nested ${scan.depth} levels deep; at most ${maxParsedDepth}`,
    };
  try {
    return { ok: true, value: parseExactJson(bytes, scan), scan };
  } catch (error) {
    return { ok: false, reason: 'not_json', message: (error as SyntaxError).message };
  }
}

/** Whether arrays and objects are nested deeper than `depth`. Recursive: only for values of limited depth. */
export function isDeeperThan(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null || value instanceof NumberText) return false;
  if (depth === 0) return true;
  return Object.values(value).some((inner) => isDeeperThan(inner, depth - 1));
}
