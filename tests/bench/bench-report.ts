export interface BenchColumn {
  name: string;
  unit?: string;
  /** Decimal places shown. Default: 0. */
  digits?: number;
}

/** `null`: not measured or not applicable. */
export type Cell = string | number | null;

export interface Machine {
  processors: number;
  model: string;
  memoryGiB: number;
  system: string;
  node: string;
}

/** The result of a benchmark, one JSON document: a table, and the facts that are needed to judge its numbers. */
export interface BenchReport {
  /** The name of its table in docs/performance.md. */
  table: string;
  title: string;
  /** The arguments of the script. */
  arguments: string[];
  /** The start time, ISO 8601 in UTC. */
  at: string;
  seconds: number;
  machine: Machine;
  /** The mean number of running processes over a minute. */
  load: { start: number; end: number };
  columns: BenchColumn[];
  rows: Cell[][];
  /** Skipped or failed measurements, and how to read the numbers. */
  notes: string[];
}
