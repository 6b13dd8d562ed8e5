import { isUtf8 } from 'node:buffer';

/** A number with all its digits. */
export class Digits {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /** `unscaled` × 10^−scale */
  static ofDecimal(unscaled: bigint, scale: number): Digits {
    const sign = unscaled < 0n ? '-' : '';
    const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
    if (scale === 0) return new Digits(sign + digits);
    return new Digits(`${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`);
  }

  /** Two's complement, the highest byte first. */
  static ofBytes(bytes: Uint8Array, scale: number): Digits {
    const hex = Buffer.from(bytes).toString('hex');
    return Digits.ofDecimal(hex === '' ? 0n : BigInt.asIntN(bytes.length * 8, BigInt(`0x${hex}`)), scale);
  }
}

/**
 * A row of a typed file as JSON text, in which no digit is lost: so a row of a Parquet or Avro file is treated as a JSON record.
 * Bytes are text if they are UTF-8, otherwise Base64.
 */
export function jsonText(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value);
    case 'number':
      if (Object.is(value, -0)) return '-0.0';
      return Number.isFinite(value) ? String(value) : `"${value}"`;
    case 'bigint':
    case 'boolean':
      return String(value);
    case 'object':
      return value === null ? 'null' : objectText(value);
    default:
      return 'null';
  }
}

function objectText(value: object): string {
  if (value instanceof Digits) return value.text;
  if (value instanceof Uint8Array) {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    return JSON.stringify(bytes.toString(isUtf8(bytes) ? 'utf8' : 'base64'));
  }
  if (Array.isArray(value)) return `[${value.map(jsonText).join(',')}]`;
  const members = Object.entries(value).map(([name, of]) => `${JSON.stringify(name)}:${jsonText(of)}`);
  return `{${members.join(',')}}`;
}

const daySeconds = 86_400n;
const fractionDigits = { ms: 3, us: 6, ns: 9 };

export type TimeUnit = keyof typeof fractionDigits;

/** Units since 1970 as ISO 8601 with all digits; `zone`: `Z`, or nothing for a local time. */
export function timeText(units: bigint, unit: TimeUnit, zone: 'Z' | ''): string {
  const perSecond = 10n ** BigInt(fractionDigits[unit]);
  const seconds = floorDivided(units, perSecond);
  const days = floorDivided(seconds, daySeconds);
  const clock = clockText(units - days * daySeconds * perSecond, unit);
  return `${dateText(Number(days))}T${clock}${zone}`;
}

/** Days since 1970 as `2013-01-15`. A day that a Date can't hold stays a number of days, which no time field takes. */
export function dateText(days: number): string {
  const date = new Date(days * 86_400_000);
  return Number.isNaN(date.getTime()) ? `day ${days}` : date.toISOString().slice(0, -14);
}

/** Units since midnight as `12:30:00.000`. */
export function clockText(units: bigint, unit: TimeUnit): string {
  const perSecond = 10n ** BigInt(fractionDigits[unit]);
  const seconds = Number(units / perSecond);
  const two = (value: number) => String(value).padStart(2, '0');
  const clock = `${two(Math.floor(seconds / 3_600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return `${clock}.${String(units % perSecond).padStart(fractionDigits[unit], '0')}`;
}

function floorDivided(value: bigint, by: bigint): bigint {
  return value / by - (value % by < 0n ? 1n : 0n);
}
