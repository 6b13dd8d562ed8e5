import { jsonText } from '../json/json-text.ts';

const maxShown = 80;

/** A value for a message to people, as JSON, shortened to 80 characters. */
export function shownValue(value: unknown): string {
  const text = jsonText(value) ?? String(value);
  return text.length > maxShown ? `${text.slice(0, maxShown)}…` : text;
}
