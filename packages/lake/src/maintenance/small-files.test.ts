import { describe, expect, it } from 'vitest';
import type { LiveFile } from '../delta/live-files.ts';
import { isWindowClosed, smallFilesIn } from './small-files.ts';

const limits = { maxRows: 100, maxBytes: 1_000 };
const file = (name: string, of: Partial<LiveFile> = {}): LiveFile => ({
  path: `date=2013-01-01/${name}.parquet`,
  partitionValues: { date: '2013-01-01' },
  sizeBytes: 10,
  modifiedMs: 0,
  rows: 10,
  ...of,
});
const paths = (files: LiveFile[]) =>
  smallFilesIn(files, limits).map((small) => small.files.map(({ path }) => path.slice(16, -8)));

describe('the small files of a table', () => {
  it('are taken together by window and date', () => {
    const found = smallFilesIn(
      [
        file('20130101T0010-b'),
        file('20130101T0000-a', { modifiedMs: 2 }),
        file('20130101T0010-a'),
        file('20130101T0000-b', { modifiedMs: 1, rows: 5, sizeBytes: 7 }),
        file('20130101T0000-c', { partitionValues: { date: null } }),
        file('20130101T0020-a'),
      ],
      limits,
    );
    expect(found.map(({ namePrefix, windowStartMs }) => [namePrefix, windowStartMs])).toEqual([
      ['20130101T0000', Date.UTC(2013, 0, 1)],
      ['20130101T0010', Date.UTC(2013, 0, 1, 0, 10)],
    ]);
    expect(found[0]).toMatchObject({ rows: 15, bytes: 17, partitionValues: { date: '2013-01-01' } });
    // In the order in which they were committed.
    expect(found[0]?.files.map(({ modifiedMs }) => modifiedMs)).toEqual([1, 2]);
  });

  it('are those with less than half of what a file may have, whose rows are told', () => {
    const others = [
      file('undated-rows', { rows: 51 }),
      file('undated-bytes', { sizeBytes: 501 }),
      file('undated-untold', { rows: undefined }),
    ];
    expect(paths([...others, file('undated-a')])).toEqual([]);
    expect(
      paths([...others, file('undated-a', { rows: 50 }), file('undated-b', { sizeBytes: 500 })]),
    ).toEqual([['undated-a', 'undated-b']]);
  });

  it('make as many files as their rows and bytes need, the first ones first', () => {
    const many = Array.from({ length: 7 }, (_, at) =>
      file(`20130101T0000-${at}`, { rows: 40, modifiedMs: at }),
    );
    expect(paths(many)).toEqual([
      ['20130101T0000-0', '20130101T0000-1'],
      ['20130101T0000-2', '20130101T0000-3'],
      ['20130101T0000-4', '20130101T0000-5'],
    ]);
    const wide = many.map((each) => ({ ...each, rows: 1, sizeBytes: 300 }));
    expect(paths(wide).map((each) => each.length)).toEqual([3, 3]);
  });

  it('may have names by other engines, and are then no window’s', () => {
    const found = smallFilesIn([file('part-00000-x'), file('part-00001-y'), file('20131399T0000-z')], limits);
    expect(
      found.map(({ namePrefix, windowStartMs, files }) => [namePrefix, windowStartMs, files.length]),
    ).toEqual([['other', undefined, 2]]);
  });
});

describe('a window', () => {
  const at = (nowMs: number) => ({ nowMs, windowMs: 10, latenessMs: 5 });
  const window = { windowStartMs: 100, smallFiles: 2, lastAddedMs: 104 };

  it('is closed when its end is past by the allowed lateness', () => {
    expect([114, 115].map((nowMs) => isWindowClosed(window, at(nowMs)))).toEqual([false, true]);
  });

  it('is closed again when late rows have waited for as long, or many have come', () => {
    const late = { ...window, lastAddedMs: 120 };
    expect([124, 125].map((nowMs) => isWindowClosed(late, at(nowMs)))).toEqual([false, true]);
    expect([31, 32].map((smallFiles) => isWindowClosed({ ...late, smallFiles }, at(121)))).toEqual([
      false,
      true,
    ]);
    expect(isWindowClosed({ ...late, smallFiles: 32 }, at(114))).toBe(false);
  });

  it('without a time is closed when nothing has come for as long', () => {
    const undated = { ...window, windowStartMs: undefined };
    expect([108, 109].map((nowMs) => isWindowClosed(undated, at(nowMs)))).toEqual([false, true]);
  });
});
