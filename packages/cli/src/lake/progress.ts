import { Presets, SingleBar } from 'cli-progress';
import type { CommandContext } from '../context.ts';
import { count } from '../tables.ts';

const lineEveryMs = 3_000;

/** How far long work is, on standard error: a bar on a terminal, a line now and then elsewhere. */
export function progressOf(
  { interactive, note }: CommandContext,
  table: string,
  units: string,
  total: number,
): { show(done: number): void; end(): void } {
  if (!interactive) {
    let dueMs = performance.now() + lineEveryMs;
    const show = (done: number) => {
      if (performance.now() < dueMs) return;
      dueMs = performance.now() + lineEveryMs;
      note(`${table}: ${count(done)} of ${count(total)} ${units}`);
    };
    return { show, end: () => undefined };
  }
  const format = `${table} [{bar}] {value} of {total} ${units} · {eta_formatted} left`;
  const options = { format, stream: process.stderr, hideCursor: true, barsize: 24, gracefulExit: true };
  const bar = new SingleBar(options, Presets.shades_classic);
  bar.start(total, 0);
  return { show: (done) => bar.update(done), end: () => bar.stop() };
}
