import { Presets, SingleBar } from 'cli-progress';
import type { CommandContext } from './context.ts';
import { count } from './tables.ts';

const lineEveryMs = 3_000;

/** How far long work is, on standard error, its rate and the time left: a bar on a terminal, a line now and then elsewhere. */
export function progressOf(
  { interactive, note }: CommandContext,
  what: string,
  units: string,
  total: number,
): { show(done: number): void; end(): void } {
  const startedMs = performance.now();
  const perSecond = (done: number) => (1000 * done) / Math.max(1, performance.now() - startedMs);
  if (!interactive) {
    let dueMs = startedMs + lineEveryMs;
    const show = (done: number) => {
      if (performance.now() < dueMs) return;
      dueMs = performance.now() + lineEveryMs;
      const rate = perSecond(done);
      const left = rate > 0 ? `, ${count(Math.ceil((total - done) / rate))} s left` : '';
      note(`${what}: ${count(done)} of ${count(total)} ${units}, ${count(Math.round(rate))}/s${left}`);
    };
    return { show, end: () => undefined };
  }
  const format = `${what} [{bar}] {value} of {total} ${units} · {rate}/s · {eta_formatted} left`;
  const options = { format, stream: process.stderr, hideCursor: true, barsize: 24, gracefulExit: true };
  const bar = new SingleBar(options, Presets.shades_classic);
  bar.start(total, 0, { rate: '0' });
  return {
    show: (done) => bar.update(done, { rate: count(Math.round(perSecond(done))) }),
    end: () => bar.stop(),
  };
}
