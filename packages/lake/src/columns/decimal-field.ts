import { unscaledBytes, unscaledOf } from '@windrow/contracts';
import { type Decimal, decimalStorage } from '../decimal.ts';
import type { ReadValue } from './read-value.ts';
import { readLong } from './varint.ts';

const long = new Int32Array(2);
/** Up to 48 bits a number is exact, and faster than a bigint. */
const numberBytes = 6;

/**
 * Reads decimals: big-endian two's complement of the unscaled integer, of `size` bytes, or with its length in front. A value with
 * more digits than the precision is invalid.
 */
export function decimalReader(decimal: Decimal, size: number | undefined): ReadValue {
  const storage = decimalStorage(decimal);
  const limit = 10n ** BigInt(decimal.precision);
  return (buffer, pos, end, column, row) => {
    let start = pos;
    let length = size;
    if (length === undefined) {
      start = readLong(buffer, pos, long, 0);
      if (start < 0 || long[1] !== 0) return -1;
      length = long[0]!;
    }
    const next = start + length;
    if (length < 0 || next > end) return -1;
    const unscaled =
      length > 0 && length <= numberBytes
        ? buffer.readIntBE(start, length)
        : unscaledOf(buffer.subarray(start, next));
    if (unscaled >= limit || unscaled <= -limit) return -1;
    if (column.kind === 'int32') column.values[row] = Number(unscaled);
    else if (column.kind === 'int64') column.values[row] = BigInt(unscaled);
    else if (column.kind === 'bytes' && typeof storage === 'object')
      column.codes[row] = column.codeOf(unscaledBytes(BigInt(unscaled), storage.bytes));
    else return -1;
    column.present[row] = 1;
    return next;
  };
}
