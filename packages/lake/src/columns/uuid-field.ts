import { uuidText } from '@windrow/contracts';
import type { ReadValue } from './read-value.ts';

const uuidBytes = 16;

/** Reads a uuid that is written as 16 bytes, as its text. */
export const readUuid: ReadValue = (buffer, pos, end, column, row) => {
  const next = pos + uuidBytes;
  if (next > end || column.kind !== 'bytes') return -1;
  column.codes[row] = column.codeOf(uuidText(buffer.subarray(pos, next)));
  column.present[row] = 1;
  return next;
};
