import { writeFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem, type } from 'node:os';
import { must } from '@windrow/runtime/testing';
import type { BenchReport, Cell, Machine } from './bench-report.ts';
import { renderReport } from './markdown.ts';

/** The variable that names the file to which a script, started by the runner, writes its report. */
export const reportVariable = 'WINDROW_BENCH_REPORT';

/**
 * Writes the report of a benchmark. Each row is printed to standard error at once. If the environment names a file, the
 * report is written after each row, so that a failure keeps earlier measurements; otherwise `close` prints the table.
 */
export class ReportWriter {
  readonly #report: BenchReport;
  readonly #file = process.env[reportVariable];
  readonly #startedMs = performance.now();

  constructor({ table, title, columns }: Pick<BenchReport, 'table' | 'title' | 'columns'>) {
    this.#report = {
      ...{ table, title, arguments: process.argv.slice(2), at: new Date().toISOString(), seconds: 0 },
      ...{ machine: thisMachine(), load: { start: oneMinuteLoad(), end: oneMinuteLoad() } },
      ...{ columns, rows: [], notes: [] },
    };
  }

  /** One cell for each column. */
  add(row: Cell[]): void {
    this.#report.rows.push(row);
    const told = this.#report.columns.flatMap(({ name, unit }, index) =>
      row[index] === null || index === 0
        ? []
        : [`${name} ${shown(must(row[index]))}${unit ? ` ${unit}` : ''}`],
    );
    this.progress(`${row[0]}: ${told.join(', ')}`);
    this.#save();
  }

  note(note: string): void {
    this.#report.notes.push(note);
    this.progress(note);
    this.#save();
  }

  /** Shows the current step. */
  progress(line: string): void {
    console.error(`${((performance.now() - this.#startedMs) / 1000).toFixed(1).padStart(7)} s  ${line}`);
  }

  close(): void {
    this.#save();
    if (!this.#file) console.log(renderReport(this.#report));
  }

  #save(): void {
    this.#report.seconds = (performance.now() - this.#startedMs) / 1000;
    this.#report.load.end = oneMinuteLoad();
    if (this.#file) writeFileSync(this.#file, JSON.stringify(this.#report));
  }
}

const shown = (cell: string | number): string =>
  typeof cell === 'number' ? cell.toLocaleString('en', { maximumSignificantDigits: 4 }) : cell;

const oneMinuteLoad = (): number => loadavg()[0] ?? 0;

function thisMachine(): Machine {
  return {
    processors: cpus().length,
    model: cpus()[0]?.model ?? 'unknown',
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    node: process.version,
  };
}
