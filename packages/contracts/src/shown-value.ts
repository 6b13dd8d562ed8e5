import { NumberText, rawJSON } from './number-text.ts';

const maxShown = 80;

/** A value for a message to people, as JSON, shortened to 80 characters. */
export function shownValue(value: unknown): string {
  const text =
    typeof value === 'bigint' || value instanceof NumberText || typeof value === 'symbol'
      ? value.toString()
      : (JSON.stringify(value, bigintsAsText) ?? String(value));
  return text.length > maxShown ? `${text.slice(0, maxShown)}…` : text;
}

function bigintsAsText(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? rawJSON(String(value)) : value;
}
