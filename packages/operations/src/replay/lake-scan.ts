import {
  type Add,
  DeltaLog,
  type FileStats,
  type ObjectStore,
  readNumberColumns,
  statsOf,
  systemHost,
} from '@windrow/lake';
import { WindrowError } from '@windrow/runtime';
import { readRows } from '../parquet.ts';
import type { OffsetRanges } from './offset-ranges.ts';

/** The bounds of a file's rows by its statistics. Without statistics it may hold any row. */
export class FileBounds {
  readonly #stats: FileStats | undefined;

  constructor(stats: FileStats | undefined) {
    this.#stats = stats;
  }

  /** Whether the file may hold values `from ≤ value < to`. */
  mayHold(column: string, from: number, to: number): boolean {
    return this.#overlaps(column, from, to, Number);
  }

  /** Whether the file may hold times `fromMs ≤ time < toMs`, epoch milliseconds. */
  mayHoldTime(column: string, fromMs: number, toMs: number): boolean {
    return this.#overlaps(column, fromMs, toMs, (value) => Date.parse(String(value)));
  }

  /** Whether the file may hold rows whose `_partition` and offset column are in the ranges. */
  mayHoldSome(ranges: OffsetRanges, offsetColumn: string): boolean {
    return ranges.partitions.some((partition) => {
      const span = ranges.span(partition);
      if (!span || !this.mayHold('_partition', partition, partition + 1)) return false;
      return this.mayHold(offsetColumn, span.from, span.to);
    });
  }

  #overlaps(column: string, from: number, to: number, numberOf: (told: unknown) => number): boolean {
    const [least, most] = [this.#stats?.minValues?.[column], this.#stats?.maxValues?.[column]];
    // Other writers truncate bounds to milliseconds, so the upper bound gets one more millisecond.
    if (least !== undefined && numberOf(least) >= to) return false;
    return most === undefined || !(numberOf(most) + 1 < from);
  }
}

/** Reads one version of a lake table. */
export class LakeScan {
  readonly path: string;
  readonly version: number;
  /** The names of its columns, with the partition column. */
  readonly columns: readonly string[];
  readonly #store: ObjectStore;
  readonly #adds: readonly Add[];

  private constructor(store: ObjectStore, path: string, log: DeltaLog, adds: readonly Add[]) {
    this.#store = store;
    this.path = path;
    this.version = log.version;
    this.#adds = adds;
    const { fields } = JSON.parse(log.metaData.schemaString) as { fields: { name: string }[] };
    this.columns = fields.map(({ name }) => name);
  }

  /** @throws WindrowError USAGE when the table does not exist yet */
  static async open(store: ObjectStore, path: string): Promise<LakeScan> {
    const log = await DeltaLog.open(store, path, systemHost);
    if (log) return new LakeScan(store, path, log, [...(await log.files()).adds.values()]);
    throw new WindrowError(
      'USAGE',
      `${store.url(path)} does not exist yet. The lake sink creates it when it starts`,
    );
  }

  /** The files for which `mayHold` is true. */
  filesWhere(mayHold: (bounds: FileBounds) => boolean): Add[] {
    return this.#adds.filter(({ stats }) => mayHold(new FileBounds(statsOf(stats))));
  }

  /**
   * Reads columns of numbers and times (as epoch milliseconds), row by row. A null or a column that the file lacks is NaN.
   * @param onRow gets the values in the order of `names`, each time in the same array
   * @throws WindrowError LAKE_CONFLICT when vacuum has deleted a file; LAKE_LOG_INVALID, S3_FAILED
   */
  async numbers<const Names extends readonly string[]>(
    names: Names,
    mayHold: (bounds: FileBounds) => boolean,
    onRow: (values: { readonly [Index in keyof Names]: number }) => void,
  ): Promise<void> {
    const values = names.map(() => Number.NaN) as { -readonly [Index in keyof Names]: number };
    for (const { path } of this.filesWhere(mayHold)) {
      const key = this.#keyOf(path);
      const bytes = await this.#store.get(key);
      if (!bytes) throw gone(this.#store.url(key));
      const columns = await readNumberColumns(bytes, names, this.#store.url(key));
      const rows = columns[0]?.length ?? 0;
      for (let row = 0; row < rows; row++) {
        let index = 0;
        // All columns of a file have as many values as the file has rows.
        for (const column of columns) values[index++] = column[row] ?? Number.NaN;
        onRow(values);
      }
    }
  }

  /** Rows as objects with these columns, with values as of `readColumns`. */
  async rows(
    names: string[],
    onRow: (row: Record<string, unknown>) => void,
    mayHold: (bounds: FileBounds) => boolean = () => true,
  ): Promise<void> {
    for (const add of this.filesWhere(mayHold))
      for await (const rows of this.rowsOf(add, names)) for (const row of rows) onRow(row);
  }

  /** The rows of one file, in batches. */
  rowsOf({ path }: Add, names: string[]): AsyncGenerator<Record<string, unknown>[]> {
    return readRows(this.#store, this.#keyOf(path), names);
  }

  #keyOf(path: string): string {
    return `${this.path}/${decodeURIComponent(path)}`;
  }
}

const gone = (url: string) =>
  new WindrowError(
    'LAKE_CONFLICT',
    `${url} was replaced and deleted by a vacuum during the replay. Start the replay again`,
    {
      retriable: true,
    },
  );
