import type { Action, Add } from './actions.ts';

/** A live data file. It holds only a part of the `add` action, because a table may have many files. */
export interface LiveFile {
  /** As in the log: relative to the table's root, percent-encoded. */
  readonly path: string;
  readonly partitionValues: Readonly<Record<string, string | null>>;
  readonly sizeBytes: number;
  /** Epoch milliseconds. */
  readonly modifiedMs: number;
  /** Undefined when its writer has written no statistics. */
  readonly rows: number | undefined;
}

/** Applies an action to the live files, in place. */
export function followFiles(files: Map<string, LiveFile>, { add, remove }: Action): void {
  if (remove) files.delete(remove.path);
  if (add) files.set(add.path, liveFile(add));
}

function liveFile({ path, partitionValues, size, modificationTime, stats }: Add): LiveFile {
  const rows = stats === undefined ? undefined : rowsOf(stats);
  return { path, partitionValues, sizeBytes: size, modifiedMs: modificationTime, rows };
}

/** The number of rows in an `add` action's statistics. */
export function rowsOf(stats: string): number | undefined {
  try {
    const { numRecords } = JSON.parse(stats) as { numRecords?: unknown };
    return typeof numRecords === 'number' ? numRecords : undefined;
  } catch {
    return undefined;
  }
}
