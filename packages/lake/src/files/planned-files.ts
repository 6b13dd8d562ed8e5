import { windowMs } from '@windrow/contracts';
import type { ColumnBuffers } from '../columns/column-buffers.ts';
import type { Int64Column } from '../columns/number-columns.ts';
import type { PlannedFile } from '../ledger/uploads.ts';
import type { ParquetEncoder } from '../parquet/parquet-encoder.ts';
import { groupByTime } from './rows-by-time.ts';

/** The dates that paths and all readers can represent. Rows with other times go to the partition whose date is null. */
const firstDatedMs = Date.parse('0001-01-01T00:00:00Z');
const endDatedMs = Date.UTC(10_000, 0, 1);
const dayMs = 86_400_000;

/**
 * Divides the rows into files: one for each window. When there are more than `maxWindows` windows, it is one file for each
 * date, so that a month of history becomes about 30 files and not thousands of tiny ones. Rows are sorted by event time.
 * @param times the column of event times
 */
export function plannedFiles(
  buffers: ColumnBuffers,
  times: Int64Column,
  encoder: ParquetEncoder,
  maxWindows: number,
): PlannedFile[] {
  const timesMs = timesOf(times, buffers.rowCount);
  const byWindow = groupByTime(timesMs, windowMs);
  const groups = byWindow.length > maxWindows ? groupByTime(timesMs, dayMs) : byWindow;
  return groups.map(({ startMs, rows }) => ({
    partitionValues: { date: Number.isNaN(startMs) ? null : new Date(startMs).toISOString().slice(0, 10) },
    namePrefix: Number.isNaN(startMs) ? 'undated' : compactTime(startMs),
    encode: async () => encoder.encode({ buffers, order: rows }),
  }));
}

/** The event time of each row; NaN when it has none, or one outside the supported dates. */
function timesOf(times: Int64Column, rows: number): Float64Array {
  const timesMs = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    const timeMs = times.present[row] === 1 ? times.millisAt(row) : Number.NaN;
    timesMs[row] = isDated(timeMs) ? timeMs : Number.NaN;
  }
  return timesMs;
}

export function isDated(timeMs: number): boolean {
  return timeMs >= firstDatedMs && timeMs < endDatedMs;
}

/** `20130101T0010` */
function compactTime(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 16).replaceAll(/[-:]/g, '');
}
