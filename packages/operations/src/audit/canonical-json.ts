/** A number with its digits as they were written. */
export class ExactNumber {
  /** As of {@link canonicalNumber}. */
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/**
 * JSON text in one form for each value: keys sorted, no spaces, of equal keys the last one, numbers by all their digits. So the
 * JSON text of the lake can be compared with Postgres' jsonb, which sorts keys and writes numbers in its own way.
 * @param resolve changes the parsed value
 */
export function canonicalJson(text: string, resolve = (json: unknown) => json): string {
  try {
    return written(resolve(parseExactly(text)));
  } catch (error) {
    // Deeper than this process can read. Both stores have it, so both get the same text.
    if (error instanceof RangeError) return 'nested too deeply to compare';
    return `not JSON: ${text}`;
  }
}

/** Parses JSON, with each number as an {@link ExactNumber}. */
export function parseExactly(text: string): unknown {
  return JSON.parse(text, exactNumbers);
}

function exactNumbers(_: string, value: unknown, context?: { source?: string }): unknown {
  return typeof value === 'number'
    ? new ExactNumber(canonicalNumber(context?.source ?? String(value)))
    : value;
}

function written(value: unknown): string {
  if (value instanceof ExactNumber) return value.text;
  if (Array.isArray(value)) return `[${value.map(written).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, of]) => `${JSON.stringify(key)}:${written(of)}`).join(',')}}`;
}

/** A decimal number in one form: its digits without zeros at the ends, and a power of ten. Zero has no sign. */
export function canonicalNumber(text: string): string {
  const [, sign = '', whole = '', fraction = '', power = '0'] =
    /^([-+]?)(\d*)\.?(\d*)(?:e([-+]?\d+))?$/i.exec(text.trim()) ?? [];
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  const kept = digits.replace(/0+$/, '');
  // NaN and infinities have no digits.
  if (!/\d/.test(text)) return text;
  if (kept === '') return '0';
  const exponent = Number(power) - fraction.length + digits.length - kept.length;
  return `${sign === '-' ? '-' : ''}${kept}${exponent === 0 ? '' : `e${exponent}`}`;
}
