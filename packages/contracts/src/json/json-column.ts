import { parseDecimal, wholeDigits } from '../values/decimal.ts';
import { storableValue } from '../values/storable-text.ts';
import { parseExactJson } from './exact-json.ts';
import { scanJson } from './json-scan.ts';
import { NumberText } from './number-text.ts';

/** How deep a JSON value may be nested. Deeper values could overflow the stack of recursive readers. */
export const maxJsonDepth = 64;

/** The limits of Postgres' numeric, which is the type of numbers in jsonb: digits before and after the decimal point. */
const maxWholeDigits = 131_072;
const maxScale = 16_383;

interface JsonProblem {
  reason: 'invalid' | 'out_of_range';
  /** For people, after «it». */
  problem: string;
}

export type JsonColumnText = { ok: true; text: string; isReplaced: boolean } | ({ ok: false } & JsonProblem);

/**
 * Checks the text of a JSON column: it must be an object that readers of the lake and Postgres' jsonb accept. The text stays as it
 * is, except that unstorable characters in it are replaced.
 */
export function jsonColumnText(text: string): JsonColumnText {
  const parsed = parsedJson(text);
  if (!parsed.ok) return parsed;
  if (isEmptyArray(parsed.value)) return { ok: true, text: '{}', isReplaced: false };
  if (!isJsonObject(parsed.value)) return { ok: false, reason: 'invalid', problem: 'is not a JSON object' };
  if (parsed.hasBrokenText)
    return { ok: true, text: JSON.stringify(storableValue(parsed.value)), isReplaced: true };
  return { ok: true, text, isReplaced: false };
}

/** What is wrong with JSON that another program has written: the stores can't hold it. It may be any JSON value. */
export function storedJsonProblem(text: string): JsonProblem | null {
  const parsed = parsedJson(text);
  if (!parsed.ok) return parsed;
  const problem = 'contains U+0000 or half of a surrogate pair, which jsonb has no place for';
  return parsed.hasBrokenText ? { reason: 'invalid', problem } : null;
}

function parsedJson(
  text: string,
): { ok: true; value: unknown; hasBrokenText: boolean } | ({ ok: false } & JsonProblem) {
  const bytes = Buffer.from(text);
  const scan = scanJson(bytes);
  if (scan.depth > maxJsonDepth) {
    const problem = `is nested ${scan.depth} levels deep; at most ${maxJsonDepth} are allowed`;
    return { ok: false, reason: 'invalid', problem };
  }
  let value: unknown;
  try {
    value = parseExactJson(bytes, scan);
  } catch (error) {
    return { ok: false, reason: 'invalid', problem: `is not JSON: ${(error as SyntaxError).message}` };
  }
  const number = scan.numberTexts.length > 0 ? unstorableNumber(value) : undefined;
  if (number !== undefined) return { ok: false, reason: 'out_of_range', problem: numberProblem(number) };
  return { ok: true, value, hasBrokenText: scan.hasBrokenText };
}

export function isJsonObject(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof NumberText)
  );
}

/** PHP has one type for lists and maps, and writes an empty one as `[]`. */
export function isEmptyArray(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

/** The first number in a value that Postgres can't hold. */
export function unstorableNumber(value: unknown): NumberText | undefined {
  const open = [value];
  while (open.length > 0) {
    const next = open.pop();
    if (next instanceof NumberText) {
      if (!isStorableNumber(next)) return next;
    } else if (typeof next === 'object' && next !== null) {
      for (const inner of Object.values(next)) open.push(inner);
    }
  }
  return undefined;
}

export function numberProblem({ sourceText }: NumberText): string {
  return `contains the number ${sourceText.slice(0, 40)}${sourceText.length > 40 ? '…' : ''}; numbers in it may have ${maxWholeDigits} digits before and ${maxScale} after the decimal point`;
}

function isStorableNumber({ sourceText }: NumberText): boolean {
  const decimal = parseDecimal(sourceText);
  return decimal !== undefined && decimal.scale <= maxScale && wholeDigits(decimal) <= maxWholeDigits;
}
