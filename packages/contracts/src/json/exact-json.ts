import { randomUUID } from 'node:crypto';
import type { JsonScan } from './json-scan.ts';
import { NumberText } from './number-text.ts';

/**
 * Parses JSON in UTF-8. A number that a JavaScript number would change becomes a {@link NumberText}; all others are numbers.
 * @param scan of these bytes
 * @throws SyntaxError
 */
export function parseExactJson(bytes: Buffer, { numberTexts }: JsonScan): unknown {
  if (numberTexts.length === 0) return JSON.parse(bytes.toString());
  let value: unknown;
  try {
    value = JSON.parse(withMarkedTexts(bytes, numberTexts));
  } catch {
    // The error must quote the text as it was received.
    return JSON.parse(bytes.toString());
  }
  return unmarked(value);
}

/** No sender can know it. JSON.parse with a function that sees the source texts is ten times slower than this mark. */
const mark = `${randomUUID()}:`;

/** The JSON with each of these numbers as a text that begins with the mark. */
function withMarkedTexts(bytes: Buffer, numberTexts: readonly number[]): string {
  const marked = Buffer.allocUnsafe(bytes.length + (numberTexts.length / 2) * (mark.length + 2));
  let end = 0;
  let copied = 0;
  for (let index = 0; index < numberTexts.length; index += 2) {
    const start = numberTexts[index] as number;
    const numberEnd = numberTexts[index + 1] as number;
    end += bytes.copy(marked, end, copied, start);
    end += marked.write(`"${mark}`, end, 'latin1');
    end += bytes.copy(marked, end, start, numberEnd);
    marked[end++] = 0x22;
    copied = numberEnd;
  }
  end += bytes.copy(marked, end, copied);
  return marked.toString('utf8', 0, end);
}

/** Replaces the marked texts in place. Without recursion, because a file may nest values deeper than the stack allows. */
function unmarked(value: unknown): unknown {
  const root = [value];
  const open: unknown[] = [root];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (Array.isArray(next)) {
      for (let index = 0; index < next.length; index++) next[index] = numberOf(next[index], open);
    } else {
      const members = next as Record<string, unknown>;
      for (const name in members) {
        const member = members[name];
        const kept = numberOf(member, open);
        if (kept !== member) members[name] = kept;
      }
    }
  }
  return root[0];
}

function numberOf(value: unknown, open: unknown[]): unknown {
  if (typeof value === 'object' && value !== null) open.push(value);
  return typeof value === 'string' && value.startsWith(mark)
    ? new NumberText(value.slice(mark.length))
    : value;
}
