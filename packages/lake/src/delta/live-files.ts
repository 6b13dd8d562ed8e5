import type { Action, Add } from './actions.ts';

/** A data file that the table's state names; less than its `add` holds, because a table may have many. */
export interface LiveFile {
  /** As in the log: relative to the table's root, percent-encoded. */
  readonly path: string;
  readonly partitionValues: Readonly<Record<string, string | null>>;
  readonly sizeBytes: number;
  /** Epoch milliseconds. */
  readonly modifiedMs: number;
  /** Undefined where its writer has told no statistics. */
  readonly rows: number | undefined;
}

/** Brings the live files up to date, in place. */
export function followFiles(files: Map<string, LiveFile>, { add, remove }: Action): void {
  if (remove) files.delete(remove.path);
  if (add) files.set(add.path, liveFile(add));
}

function liveFile({ path, partitionValues, size, modificationTime, stats }: Add): LiveFile {
  const rows = stats === undefined ? undefined : rowsOf(stats);
  return { path, partitionValues, sizeBytes: size, modifiedMs: modificationTime, rows };
}

/** The number of rows that an `add` tells. */
export function rowsOf(stats: string): number | undefined {
  try {
    const { numRecords } = JSON.parse(stats) as { numRecords?: unknown };
    return typeof numRecords === 'number' ? numRecords : undefined;
  } catch {
    return undefined;
  }
}
