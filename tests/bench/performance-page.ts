import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { BenchReport } from './bench-report.ts';
import { renderReport } from './markdown.ts';

/** A report, and the command that makes it again. */
export interface Result {
  command: string;
  report: BenchReport;
}

/** All of them, at a small size, have one place of their own. */
export const smallPlace = 'small';

export const renderResults = (results: Result[]): string =>
  results.map(({ command, report }) => renderReport(report, command)).join('\n\n');

/**
 * Puts tables in the place of those that docs/performance.md has between `<!-- table NAME -->` and `<!-- end NAME -->`,
 * and the same results into docs/performance.json, by the same names.
 * @throws Error naming the table for which the page has no place
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
