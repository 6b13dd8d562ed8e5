/**
 * The first and the last instant of every time column: years 1 to 9999, UTC. One row beyond makes readers such as pandas,
 * polars and psycopg fail for a whole table.
 */
export const minTimeMs = -62_135_596_800_000;
export const maxTimeMs = 253_402_300_799_999;

export function isInTimeBounds(timeMs: number): boolean {
  return timeMs >= minTimeMs && timeMs <= maxTimeMs;
}

/** The time in ISO 8601, or its milliseconds when no date has them. For values that were stored before they had bounds. */
export function isoTime(timeMs: number | bigint): string {
  const date = new Date(Number(timeMs));
  return Number.isNaN(date.getTime()) ? `${timeMs} ms since 1970` : date.toISOString();
}
