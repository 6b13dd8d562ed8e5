import type { Column } from './column-buffers.ts';

/**
 * Reads the value at `pos` into a row of a column.
 * @returns the position of the next value, or -1 when no valid value ends at `end` or before
 */
export type ReadValue = (buffer: Buffer, pos: number, end: number, column: Column, row: number) => number;
