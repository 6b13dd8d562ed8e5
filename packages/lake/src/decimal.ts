import type { ColumnType, DecimalType } from './table-schema.ts';

export interface Decimal {
  readonly precision: number;
  readonly scale: number;
}

export function isDecimal(type: ColumnType): type is DecimalType {
  return typeof type === 'string' && type.startsWith('decimal(');
}

export function decimalOf(type: DecimalType): Decimal {
  const [, precision, scale] = /^decimal\((\d+),(\d+)\)$/.exec(type) ?? [];
  return { precision: Number(precision), scale: Number(scale) };
}

/**
 * How unscaled integers of this precision are stored in buffers and in files (parquet-format, LogicalTypes.md): as an INT32, an
 * INT64, or big-endian two's complement of as few bytes as the precision needs.
 */
export function decimalStorage({ precision }: Decimal): 'int32' | 'int64' | { readonly bytes: number } {
  if (precision <= 9) return 'int32';
  if (precision <= 18) return 'int64';
  const limit = 10n ** BigInt(precision);
  let bytes = 9;
  while (2n ** BigInt(8 * bytes - 1) < limit) bytes++;
  return { bytes };
}
