import { deadLetterTable, type StreamContract } from '@windrow/contracts';

/** The order in which rows were ingested. */
export const ledgerOrder = ['_partition', '_offset'];

/** How the data files of a table are written. */
export interface TableLayout {
  /** Rows of a file are sorted by these columns. */
  orderBy: string[];
  /** Columns that identify a row; they get Bloom filters. */
  idColumns: string[];
}

/** Table path → layout, for every lake table of the contracts. */
export function tableLayouts(contracts: StreamContract[]): Map<string, TableLayout> {
  const layouts = new Map<string, TableLayout>();
  for (const { lake, eventTime, id } of contracts) {
    for (const table of [lake.raw, lake.curated]) {
      if (table !== undefined) layouts.set(table, { orderBy: [eventTime, ...ledgerOrder], idColumns: id });
    }
  }
  return layouts.set(deadLetterTable, { orderBy: ['failed_at', ...ledgerOrder], idColumns: [] });
}
