import type { FileRows } from './parquet-encoder.ts';

/** The row numbers of a file, in the file's order. */
export function fileOrder({ buffers, order }: FileRows): Uint32Array {
  if (order) return order;
  const rows = new Uint32Array(buffers.rowCount);
  for (let row = 0; row < rows.length; row++) rows[row] = row;
  return rows;
}
