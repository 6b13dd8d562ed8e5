import type { FileStats } from '../parquet/parquet-encoder.ts';

/** The statistics of an `add` action; undefined when it has none that can be read. */
export function statsOf(stats: string | undefined): FileStats | undefined {
  try {
    return stats === undefined ? undefined : (JSON.parse(stats) as FileStats);
  } catch {
    return undefined;
  }
}
