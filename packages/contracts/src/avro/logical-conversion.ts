import type { LogicalType } from './logical-type.ts';
import { longValue } from './long-value.ts';
import { decimalText, shortestBytes, unscaledOf } from './unscaled-decimal.ts';

/** Thrown for a value that the reader's type can't hold. */
export class UnconvertibleValue extends RangeError {}

/**
 * How a value of one logical type becomes one of another: `asIs`, without a change; `never`; or by a function, from avsc's
 * value for the first type to the value for the second.
 */
export type Conversion = 'asIs' | 'never' | ((value: never) => unknown);

/**
 * A value without a logical type is taken in the unit of the reader's field, and a reader's field without one takes any
 * value. Times convert between units; a coarser unit cuts the digits that it lacks, towards the past. Decimals convert to
 * another scale if no digit is lost. No other pair converts, because its values mean different things.
 */
export function conversionBetween(
  writer: LogicalType | undefined,
  reader: LogicalType | undefined,
): Conversion {
  if (reader === undefined) return 'asIs';
  // A decimal without its scale can't be known.
  if (writer === undefined) return reader.name === 'decimal' ? 'never' : 'asIs';
  if (writer.name === 'decimal' && reader.name === 'decimal') return decimalConversion(writer, reader);
  if (writer.name === reader.name) return 'asIs';
  const [from, to] = [timeUnit(writer.name), timeUnit(reader.name)];
  if (from === undefined || to === undefined || from.kind !== to.kind) return 'never';
  return from.perSecond > to.perSecond
    ? cut(from.perSecond / to.perSecond)
    : extended(to.perSecond / from.perSecond);
}

interface TimeUnit {
  kind: string;
  perSecond: number;
}

const perSecond: Readonly<Record<string, number>> = { millis: 1e3, micros: 1e6, nanos: 1e9 };

/** `local-timestamp-micros` → `local-timestamp`, a million a second. */
function timeUnit(name: string): TimeUnit | undefined {
  const end = name.lastIndexOf('-');
  const count = perSecond[name.slice(end + 1)];
  return count === undefined ? undefined : { kind: name.slice(0, end), perSecond: count };
}

const cut =
  (divisor: number) =>
  (value: number | bigint): number | bigint => {
    if (typeof value === 'number') return Math.floor(value / divisor);
    const by = BigInt(divisor);
    const quotient = value / by;
    return longValue(value % by < 0n ? quotient - 1n : quotient);
  };

const extended =
  (factor: number) =>
  (value: number | bigint): number | bigint => {
    if (typeof value === 'number' && Number.isSafeInteger(value * factor)) return value * factor;
    const product = BigInt(value) * BigInt(factor);
    if (BigInt.asIntN(64, product) === product) return longValue(product);
    throw new UnconvertibleValue(`${value} × ${factor} is beyond 64 bits`);
  };

type DecimalType = Pick<LogicalType, 'precision' | 'scale'>;

function decimalConversion(
  { precision: writerPrecision = 0, scale: writerScale = 0 }: DecimalType,
  { precision = 0, scale = 0 }: DecimalType,
): Conversion {
  if (writerScale === scale && writerPrecision <= precision) return 'asIs';
  const factor = 10n ** BigInt(Math.abs(scale - writerScale));
  const limit = 10n ** BigInt(precision);
  return (bytes: Buffer) => {
    const unscaled = unscaledOf(bytes);
    const isLonger = writerScale > scale;
    if (isLonger && unscaled % factor !== 0n)
      throw new UnconvertibleValue(`${decimalText(unscaled, writerScale)} has more than ${scale} decimals`);
    const converted = isLonger ? unscaled / factor : unscaled * factor;
    if (converted >= limit || converted <= -limit)
      throw new UnconvertibleValue(`${decimalText(unscaled, writerScale)} has more than ${precision} digits`);
    return shortestBytes(converted);
  };
}

/** Widens big-endian two's complement to the size of a fixed type. */
export function signExtended(bytes: Buffer, size: number): Buffer {
  const fill = ((bytes[0] ?? 0) & 0x80) === 0 ? 0 : 0xff;
  return Buffer.concat([Buffer.alloc(size - bytes.length, fill), bytes]);
}
