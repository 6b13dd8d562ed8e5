export interface BenchColumn {
  name: string;
  unit?: string;
  /** Digits after the point when it is shown. Default: 0. */
  digits?: number;
}

/** `null`: not measured, or it means nothing here. */
export type Cell = string | number | null;

export interface Machine {
  processors: number;
  model: string;
  memoryGiB: number;
  system: string;
  node: string;
}

/** What a benchmark has measured: one table, and what it takes to judge its numbers. One JSON document. */
export interface BenchReport {
  /** Its place in docs/performance.md. */
  table: string;
  title: string;
  /** What the script was told. */
  arguments: string[];
  /** When it began, ISO 8601 in UTC. */
  at: string;
  seconds: number;
  machine: Machine;
  /** The mean number of running processes over a minute. */
  load: { start: number; end: number };
  columns: BenchColumn[];
  rows: Cell[][];
  /** What was skipped or failed, and how to read the numbers. */
  notes: string[];
}
