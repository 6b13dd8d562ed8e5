const withComma = /^\s*[-+]?(?:\d{1,3}(?:\.\d{3})+|\d*),\d+(?:[eE][-+]?\d+)?\s*$/;
const withPoint = /^\s*[-+]?\d*\.\d+(?:[eE][-+]?\d+)?\s*$/;

/** Whether a cell is a number with a decimal comma, such as `3,1` or `1.234,5`. */
export function hasDecimalComma(cell: string): boolean {
  return withComma.test(cell);
}

export function hasDecimalPoint(cell: string): boolean {
  return withPoint.test(cell);
}

/**
 * A number from a file whose numbers have decimal commas. Undefined for `1.234`, which is a thousand there if somebody writes
 * groups, and one and a bit if somebody doesn't.
 */
export function withDecimalPoint(cell: string): string | undefined {
  if (withComma.test(cell)) return cell.replaceAll('.', '').replace(',', '.');
  return withPoint.test(cell) ? undefined : cell;
}
