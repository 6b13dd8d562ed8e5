import { parseDecimal, wholeDigits } from './decimal.ts';
import { parseExactJson } from './exact-json.ts';
import { scanJson } from './json-scan.ts';
import { NumberText } from './number-text.ts';
import { isStorableText, storableValue } from './storable-text.ts';

/** How deep a JSON value may be nested. Deeper values could overflow the stack of recursive readers. */
export const maxJsonDepth = 64;

/** The limits of Postgres' numeric, which is the type of numbers in jsonb: digits before and after the decimal point. */
const maxWholeDigits = 131_072;
const maxScale = 16_383;

export type JsonColumnText =
  | { ok: true; text: string; isReplaced: boolean }
  | { ok: false; reason: 'invalid' | 'out_of_range'; problem: string };

/**
 * Checks the text of a JSON column: it must be an object that readers of the lake and Postgres' jsonb accept. The text stays as it
 * is, except that unstorable characters in it are replaced.
 */
export function jsonColumnText(text: string): JsonColumnText {
  if (!text.includes('{')) return { ok: false, reason: 'invalid', problem: 'is not a JSON object' };
  const bytes = Buffer.from(text.toWellFormed());
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
  if (!isJsonObject(value)) return { ok: false, reason: 'invalid', problem: 'is not a JSON object' };
  const number = scan.numberTexts.length > 0 ? unstorableNumber(value) : undefined;
  if (number !== undefined) return { ok: false, reason: 'out_of_range', problem: numberProblem(number) };
  if (scan.hasBrokenText) return { ok: true, text: JSON.stringify(storableValue(value)), isReplaced: true };
  return { ok: true, text: text.toWellFormed(), isReplaced: !isStorableText(text) };
}

export function isJsonObject(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof NumberText)
  );
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
