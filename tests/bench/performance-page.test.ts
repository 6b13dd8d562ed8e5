import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { BenchReport } from './bench-report.ts';
import { benches } from './benches.ts';
import { renderReport } from './markdown.ts';
import { smallPlace, writePerformancePage } from './performance-page.ts';

const root = path.resolve(import.meta.dirname, '../..');
const report: BenchReport = {
  table: 'speed',
  title: 'How fast it is',
  arguments: ['7'],
  at: '2026-01-15T08:00:00.000Z',
  seconds: 12.3,
  machine: { processors: 2, model: 'Z80', memoryGiB: 4, system: 'CP/M 2.2', node: 'v24.0.0' },
  load: { start: 0.25, end: 1.5 },
  columns: [{ name: 'run' }, { name: 'rows/s' }, { name: 'CPU', unit: 's', digits: 1 }],
  rows: [
    ['ours', 1234.5, 2],
    ['theirs', null, 10.26],
  ],
  notes: ['Theirs was skipped.'],
};
const command = 'npm run bench -- speed 7';

describe('a report as Markdown', () => {
  it('has its table, what made it, where and when, and its notes', () => {
    expect(renderReport(report, command)).toBe(`How fast it is: \`npm run bench -- speed 7\`

| run    | rows/s | CPU, s |
| ------ | -----: | -----: |
| ours   |  1,235 |    2.0 |
| theirs |      – |   10.3 |

2026-01-15 08:00 UTC, 12 s; 2 × Z80, 4 GiB, CP/M 2.2, Node v24.0.0; load 0.3 at the start, 1.5 at the end.

- Theirs was skipped.`);
  });
});

describe('the performance page', () => {
  const page = (text: string) => {
    const docs = mkdtempSync(path.join(tmpdir(), 'windrow-docs-'));
    writeFileSync(path.join(docs, 'performance.md'), text);
    writeFileSync(path.join(docs, 'performance.json'), '{ "other": [] }');
    return docs;
  };

  it('gets a table in the place of the former one, and the same numbers as JSON', () => {
    const docs = page('before\n<!-- table speed -->\nold\n<!-- end speed -->\nafter\n');
    writePerformancePage(docs, 'speed', [{ command, report }]);
    expect(readFileSync(path.join(docs, 'performance.md'), 'utf8')).toBe(
      `before\n<!-- table speed -->\n${renderReport(report, command)}\n<!-- end speed -->\nafter\n`,
    );
    expect(JSON.parse(readFileSync(path.join(docs, 'performance.json'), 'utf8'))).toEqual({
      other: [],
      speed: [{ command, report }],
    });
  });

  it('is left alone where it has no such place', () => {
    const text = '<!-- table speed -->\n';
    const docs = page(text);
    expect(() => writePerformancePage(docs, 'speed', [{ command, report }])).toThrow(
      'no place for the table speed',
    );
    expect(readFileSync(path.join(docs, 'performance.md'), 'utf8')).toBe(text);
  });

  it('has a place for what all benchmarks report', () => {
    const docs = path.join(root, 'docs');
    const text = readFileSync(path.join(docs, 'performance.md'), 'utf8');
    const tables = Object.values(benches).flatMap(({ tables }) => tables);
    for (const name of [...tables, smallPlace])
      expect(text).toMatch(new RegExp(`<!-- table ${name} -->\\n[^]*<!-- end ${name} -->`));
    const written = JSON.parse(readFileSync(path.join(docs, 'performance.json'), 'utf8')) as object;
    expect([...tables, smallPlace]).toEqual(expect.arrayContaining(Object.keys(written)));
  });
});

describe('the benchmarks', () => {
  it.each(Object.entries(benches))('%s has its script', (_, { script }) => {
    expect(existsSync(path.join(root, script))).toBe(true);
  });
});
