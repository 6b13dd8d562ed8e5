import { isoTime } from '@windrow/contracts';
import type { Add } from '@windrow/lake';
import type { Installation } from '../installation.ts';
import type { LakeTableName } from '../ledgers.ts';
import { readColumns } from '../parquet.ts';
import type { LakeContent } from './facts.ts';
import { IdRepeats } from './id-repeats.ts';
import { Repeats } from './repeats.ts';

/**
 * Reads only the position and the id of each row, date by date. Equal ids have equal event times, so the busiest date limits
 * the memory.
 */
export async function readLakeContent(
  installation: Installation,
  table: LakeTableName,
  adds: Add[],
  id: string[],
): Promise<Omit<LakeContent, 'orphans'>> {
  const rows = new Map<number, number>();
  const offsets = new Repeats();
  const ids = new IdRepeats();
  for (const { files } of byDate(adds)) {
    offsets.forget();
    ids.forget();
    for (const { path } of files) {
      for (const row of await readColumns(installation.lake, fileKey(table, path), [
        '_partition',
        '_offset',
        ...id,
      ])) {
        const partition = Number(row._partition);
        rows.set(partition, (rows.get(partition) ?? 0) + 1);
        offsets.add(`${partition}/${String(row._offset)}`);
        if (id.length > 0) ids.add(idOf(row, id), partition);
      }
    }
  }
  return {
    rows: [...rows].map(([partition, count]) => ({ partition, rows: count })),
    repeatedOffsets: offsets.sample,
    repeatedIds: ids.found,
  };
}

/** The files of each date, `YYYY-MM-DD`. */
export function byDate(adds: Add[]): { date: string; files: Add[] }[] {
  const groups = Map.groupBy(adds, (add) => add.partitionValues.date ?? '');
  return [...groups].map(([date, files]) => ({ date, files })).sort((a, b) => (a.date < b.date ? -1 : 1));
}

/** The key of a file. An `add.path` is percent-encoded as a URI. */
export function fileKey(table: { path: string }, path: string): string {
  return `${table.path}/${decodeURIComponent(path)}`;
}

/** The id as text. */
export function idOf(row: Record<string, unknown>, fields: string[]): string {
  const values = fields.map((field) => {
    const value = row[field];
    // Rows that were stored before times had bounds may have years that no Date holds.
    return value instanceof Date ? isoTime(value.getTime()) : String(value);
  });
  return values.join(' ');
}
