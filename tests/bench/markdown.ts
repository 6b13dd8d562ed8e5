import { must } from '@windrow/runtime/testing';
import type { BenchReport, Cell } from './bench-report.ts';

/** Formats a report as a Markdown table with its machine, date and load, followed by its notes. */
export function renderReport(report: BenchReport, command?: string): string {
  const { title, columns, rows, notes } = report;
  const head = columns.map(({ name, unit }) => (unit ? `${name}, ${unit}` : name));
  const body = rows.map((row) => columns.map(({ digits = 0 }, index) => shown(row[index] ?? null, digits)));
  const widths = head.map((name, index) =>
    Math.max(3, name.length, ...body.map((row) => must(row[index]).length)),
  );
  const isText = columns.map((_, index) => index === 0 || rows.some((row) => typeof row[index] === 'string'));
  const line = (cells: string[]) => {
    const aligned = cells.map((cell, index) =>
      isText[index] ? cell.padEnd(must(widths[index])) : cell.padStart(must(widths[index])),
    );
    return `| ${aligned.join(' | ')} |`;
  };
  const rule = line(
    widths.map((width, index) => (isText[index] ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)),
  );
  return [
    command ? `${title}: \`${command}\`` : title,
    '',
    line(head),
    rule,
    ...body.map(line),
    '',
    circumstances(report),
    ...(notes.length > 0 ? ['', ...notes.map((note) => `- ${note}`)] : []),
  ].join('\n');
}

function circumstances({ at, seconds, machine, load }: BenchReport): string {
  const { processors, model, memoryGiB, system, node } = machine;
  const loads = `load ${load.start.toFixed(1)} at the start, ${load.end.toFixed(1)} at the end`;
  return `${at.slice(0, 16).replace('T', ' ')} UTC, ${seconds.toFixed(0)} s; ${processors} × ${model}, ${memoryGiB} GiB, ${system}, Node ${node}; ${loads}.`;
}

function shown(cell: Cell, digits: number): string {
  if (cell === null) return '–';
  if (typeof cell === 'string') return cell;
  return cell.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
