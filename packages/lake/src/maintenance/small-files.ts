import type { LiveFile } from '../delta/live-files.ts';

/** Limits of one compaction, which holds its rows decoded in memory. */
export interface CompactionLimits {
  readonly maxRows: number;
  /** Of the stored files. */
  readonly maxBytes: number;
}

/** Small files of one partition and one window that fit into one file. */
export interface SmallFiles {
  readonly partitionValues: Readonly<Record<string, string | null>>;
  /** The prefix of their names: a window's start, `20130101T0010`, or `undated`. */
  readonly namePrefix: string;
  /** Epoch milliseconds; undefined for names without a time. */
  readonly windowStartMs: number | undefined;
  /** At least two. */
  readonly files: readonly LiveFile[];
  readonly rows: number;
  readonly bytes: number;
}

/** All small files of a partition and a window, which may need several compactions. */
interface Window {
  of: Pick<SmallFiles, 'partitionValues' | 'namePrefix' | 'windowStartMs'>;
  files: LiveFile[];
}

/**
 * Finds the compactions for a table's files, sorted by window. A file is small when it has at most half of the allowed rows and
 * bytes, so two of them always fit into one. Files without a row count are ignored.
 * @param isClosed whether to compact a window now; by default each is
 */
export function smallFilesIn(
  files: Iterable<LiveFile>,
  limits: CompactionLimits,
  isClosed: (window: WindowState) => boolean = () => true,
): SmallFiles[] {
  const windows = new Map<string, Window>();
  for (const file of files) {
    if (file.rows === undefined || file.rows * 2 > limits.maxRows || file.sizeBytes * 2 > limits.maxBytes)
      continue;
    const { namePrefix, startMs } = windowOf(file.path);
    const key = JSON.stringify([file.partitionValues, namePrefix]);
    const of = { partitionValues: file.partitionValues, namePrefix, windowStartMs: startMs };
    const window = windows.get(key) ?? { of, files: [] };
    window.files.push(file);
    windows.set(key, window);
  }
  return [...windows.entries()]
    .filter(([, window]) => window.files.length > 1 && isClosed(stateOf(window)))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, window]) => fittingTogether(window, limits));
}

export interface WindowState {
  readonly windowStartMs: number | undefined;
  readonly smallFiles: number;
  /** When the last one was added, epoch milliseconds. */
  readonly lastAddedMs: number;
}

function stateOf({ of, files }: Window): WindowState {
  return {
    windowStartMs: of.windowStartMs,
    smallFiles: files.length,
    lastAddedMs: files.reduce((last, { modifiedMs }) => Math.max(last, modifiedMs), 0),
  };
}

/** With this many small files a window is compacted although more may follow, because readers would have to open too many. */
const manyFiles = 32;

/**
 * Whether a window is closed: both its end and the last added file are at least `latenessMs` ago. Late rows wait that long for
 * their compaction, too, unless there are many files.
 */
export function isWindowClosed(
  { windowStartMs, smallFiles, lastAddedMs }: WindowState,
  { nowMs, windowMs, latenessMs }: { nowMs: number; windowMs: number; latenessMs: number },
): boolean {
  const cutMs = nowMs - latenessMs;
  if (windowStartMs !== undefined && windowStartMs + windowMs > cutMs) return false;
  return lastAddedMs <= cutMs || smallFiles >= manyFiles;
}

/** Groups files by their time of arrival, so that full files are not rewritten for each late row. */
function fittingTogether({ of, files }: Window, { maxRows, maxBytes }: CompactionLimits): SmallFiles[] {
  const groups: { files: LiveFile[]; rows: number; bytes: number }[] = [];
  let last: (typeof groups)[number] | undefined;
  for (const file of files.sort((a, b) => a.modifiedMs - b.modifiedMs || (a.path < b.path ? -1 : 1))) {
    const rows = file.rows ?? 0;
    if (!last || last.rows + rows > maxRows || last.bytes + file.sizeBytes > maxBytes) {
      last = { files: [], rows: 0, bytes: 0 };
      groups.push(last);
    }
    last.files.push(file);
    last.rows += rows;
    last.bytes += file.sizeBytes;
  }
  return groups.filter((group) => group.files.length > 1).map((group) => ({ ...of, ...group }));
}

/** Parses the name that the sink gives its files, `<window's start>-<id>.parquet`. Files of other engines are `other`. */
export function windowOf(path: string): { namePrefix: string; startMs: number | undefined } {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const [, year, month, day, hour, minute] = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})-/.exec(name) ?? [];
  if (year === undefined) {
    return { namePrefix: name.startsWith('undated-') ? 'undated' : 'other', startMs: undefined };
  }
  const startMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:00Z`);
  return { namePrefix: name.slice(0, 13), startMs: Number.isNaN(startMs) ? undefined : startMs };
}
