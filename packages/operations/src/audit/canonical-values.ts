import type { PostgresType } from '@windrow/contracts';
import type { ParquetColumn } from '../parquet.ts';
import { canonicalJson, canonicalNumber } from './canonical-json.ts';

/** Gives the values of a column in one text form, whether they come from Parquet or from Postgres. */
export interface CanonicalForm {
  /** @param value as stored in the Parquet file, without a conversion */
  ofLake(value: unknown, column: ParquetColumn): string;
  /** @param text as `readCuratedRows` gives it */
  ofPostgres(text: string): string;
}

/** Microseconds of a unit; nanoseconds are cut to them. */
const microsIn: Record<string, (value: bigint) => bigint> = {
  MILLIS: (value) => value * 1000n,
  MICROS: (value) => value,
  NANOS: (value) => value / 1000n,
};

/** Microseconds since 1970 of a stored timestamp. */
export const microsOf = (value: unknown, { unit = 'MILLIS' }: ParquetColumn = {}): bigint =>
  (microsIn[unit] ?? BigInt)(BigInt(value as bigint));

/** Milliseconds between which a time has a date with a year of four digits. */
const [firstMs, lastMs] = [Date.parse('0001-01-01T00:00:00Z'), Date.parse('9999-12-31T23:59:59.999Z')];

function timeText(micros: bigint): string {
  const ms = Number(micros / 1000n);
  if (ms < firstMs || ms > lastMs) return `${micros} µs since 1970`;
  const rest = Number(micros % 1000n);
  const text = new Date(rest < 0 ? ms - 1 : ms).toISOString();
  return rest === 0 ? text : text.replace('Z', `${String((rest + 1000) % 1000).padStart(3, '0')}Z`);
}

// Without the option, it would leave out U+FEFF at the begin of a text.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const textOf = (value: unknown): string =>
  value instanceof Uint8Array ? decoder.decode(value) : String(value);
const doubleText = (value: number): string => (Object.is(value, -0) ? '-0' : String(value));
const same = (text: string): string => text;
const integer: CanonicalForm = { ofLake: String, ofPostgres: same };

/** A decimal is stored as an integer, or as its bytes in two's complement. */
function unscaled(value: unknown): bigint {
  if (!(value instanceof Uint8Array)) return BigInt(value as number | bigint);
  return BigInt.asIntN(8 * value.length, BigInt(`0x${Buffer.from(value).toString('hex') || '0'}`));
}

const decimal: CanonicalForm = {
  ofLake: (value, { scale = 0 }) => canonicalNumber(`${unscaled(value)}e-${scale}`),
  ofPostgres: canonicalNumber,
};
/** The same text for all values. */
export const uncompared: CanonicalForm = { ofLake: () => 'not compared', ofPostgres: () => 'not compared' };

/** The form of a Postgres type. */
export function canonicalFormOf(type: PostgresType): CanonicalForm {
  return type in canonicalForms ? canonicalForms[type as keyof typeof canonicalForms] : decimal;
}

/** By the types of Postgres columns. */
export const canonicalForms: Record<Exclude<PostgresType, `numeric(${number},${number})`>, CanonicalForm> = {
  text: { ofLake: textOf, ofPostgres: same },
  jsonb: { ofLake: (value) => canonicalJson(textOf(value)), ofPostgres: canonicalJson },
  timestamptz: {
    ofLake: (value, column) => timeText(microsOf(value, column)),
    ofPostgres(text) {
      const whole = text.replace(/\.0+$/, '');
      return /^-?\d+$/.test(whole) ? timeText(BigInt(whole)) : text;
    },
  },
  'double precision': {
    ofLake: (value) => doubleText(Number(value)),
    ofPostgres: (text) => doubleText(Number(text)),
  },
  bigint: integer,
  integer,
  smallint: integer,
  real: {
    ofLake: (value) => doubleText(Math.fround(Number(value))),
    ofPostgres: (text) => doubleText(Math.fround(Number(text))),
  },
  bytea: {
    ofLake: (value) => Buffer.from(value as Uint8Array).toString('hex'),
    ofPostgres: (text) => text.replace('\\x', ''),
  },
  date: {
    ofLake: (value) => timeText(BigInt(value as number) * 86_400_000_000n).slice(0, 10),
    ofPostgres: same,
  },
  uuid: { ofLake: (value) => textOf(value).toLowerCase(), ofPostgres: (text) => text.toLowerCase() },
  // The files do not say the unit of these.
  time: uncompared,
  timestamp: uncompared,
  boolean: { ofLake: String, ofPostgres: same },
};
