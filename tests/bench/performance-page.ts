import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { BenchReport } from './bench-report.ts';
import { renderReport } from './markdown.ts';

/** A report and the command that reproduces it. */
export interface Result {
  command: string;
  report: BenchReport;
}

/** The table for all benchmarks at a small size. */
export const smallPlace = 'small';

export const renderResults = (results: Result[]): string =>
  results.map(({ command, report }) => renderReport(report, command)).join('\n\n');

/**
 * Replaces tables in docs/performance.md, between `<!-- table NAME -->` and `<!-- end NAME -->`, and the results of the same
 * names in docs/performance.json.
 * @throws Error that names a table without a place in the page
 */
export function writePerformancePage(docs: string, place: string, results: Result[]): void {
  const page = path.join(docs, 'performance.md');
  const [begin, end] = [`<!-- table ${place} -->`, `<!-- end ${place} -->`];
  const text = readFileSync(page, 'utf8');
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from)
    throw new Error(`${page} has no place for the table ${place}: ${begin} … ${end}`);
  const kept = { before: text.slice(0, from + begin.length), after: text.slice(to) };
  writeFileSync(page, `${kept.before}\n${renderResults(results)}\n${kept.after}`);
  const data = path.join(docs, 'performance.json');
  const all = JSON.parse(readFileSync(data, 'utf8')) as Record<string, Result[]>;
  writeFileSync(data, `${JSON.stringify({ ...all, [place]: results }, null, 2)}\n`);
}
