/** The value of a long in an event record: a number if it is a safe integer, otherwise the bigint. */
export function longValue(long: bigint): number | bigint {
  const number = Number(long);
  return Number.isSafeInteger(number) ? number : long;
}
