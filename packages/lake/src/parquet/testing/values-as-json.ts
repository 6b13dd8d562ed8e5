import { decimalText, unscaledOf } from '@windrow/contracts';
import { must } from '@windrow/runtime/testing';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { type ColumnBatch, flatType } from '../../columns/testing/buffers-from-batch.ts';
import { decimalOf, isDecimal } from '../../decimal.ts';
import type { ColumnValue, ScalarType, TableSchema } from '../../table-schema.ts';
import { withoutDecimals } from '../without-decimals.ts';

/**
 * A value in the form in which tests compare readers of several languages. `tests/readers/told.py` uses the same form:
 * integers and decimals as decimal text, floating point as numbers or their names, bytes as hex.
 */
export type JsonValue = string | number | boolean | null;

/** The content of a file as a reader returns it. */
export interface TableAsRead {
  readonly types: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, JsonValue[]>>;
}

/** The columns of a batch in the form that a reader of its file must return. */
export function columnsAsJson(batch: ColumnBatch, unsignedZero: boolean): Record<string, JsonValue[]> {
  return Object.fromEntries(
    batch.schema.columns.map(({ name, type }, index) => [
      name,
      Array.from(must(batch.columns[index]), (value) => {
        const told = tell(flatType(type), value);
        return unsignedZero && told === '-0' ? 0 : told;
      }),
    ]),
  );
}

/** The columns of a Parquet file as hyparquet reads them. */
export async function readBack(bytes: Uint8Array, schema: TableSchema): Promise<Record<string, JsonValue[]>> {
  const file = new Uint8Array(bytes).buffer;
  const metadata = withoutDecimals(parquetMetadata(file));
  const rows =
    metadata.num_rows === 0n
      ? []
      : await parquetReadObjects({
          file,
          metadata,
          compressors,
          utf8: false,
          parsers: { timestampFromMicroseconds: (us) => us, dateFromDays: (days) => days },
        });
  return Object.fromEntries(
    schema.columns.map(({ name, type }) => [
      name,
      rows.map((row) => tell(flatType(type), row[name] as ColumnValue)),
    ]),
  );
}

export function tell(type: ScalarType, value: ColumnValue | undefined): JsonValue {
  if (value === null || value === undefined) return null;
  if (isDecimal(type)) {
    const unscaled = value instanceof Uint8Array ? unscaledOf(value) : BigInt(value);
    return decimalText(unscaled, decimalOf(type).scale);
  }
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'string') return value.toWellFormed();
  if (typeof value === 'boolean') return value;
  if (type !== 'double' && type !== 'float') return String(value);
  const stored = type === 'float' ? Math.fround(value) : value;
  if (Object.is(stored, -0)) return '-0';
  return Number.isFinite(stored) ? stored : String(stored);
}
