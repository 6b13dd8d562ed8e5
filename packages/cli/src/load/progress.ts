import type { LoadProgress } from '@windrow/operations/load';
import { Presets, SingleBar } from 'cli-progress';
import type { CommandContext } from '../context.ts';
import { count } from '../tables.ts';

const plainLineEveryMs = 3_000;

export interface ProgressDisplay {
  show(progress: LoadProgress): void;
  /** Writes a line that stays. */
  note(line: string): void;
  end(): void;
}

/** How far a load is, all files together, on standard error: a bar on a terminal, a line now and then elsewhere. */
export function loadProgress({ interactive, note }: CommandContext, stream: string): ProgressDisplay {
  return interactive ? progressBar(stream, note) : plainLines(stream, note);
}

function progressBar(stream: string, note: (line: string) => void): ProgressDisplay {
  const options = {
    format: `${stream} [{bar}] {percentage} % · {counts}`,
    stream: process.stderr,
    hideCursor: true,
    barsize: 24,
    gracefulExit: true,
  };
  const bar = new SingleBar(options, Presets.shades_classic);
  const startedMs = performance.now();
  let isStarted = false;
  return {
    show(progress) {
      const counts = countsOf(progress, (performance.now() - startedMs) / 1_000);
      if (!isStarted) bar.start(progress.totalBytes ?? 0, 0, { counts });
      isStarted = true;
      // A file that another process has loaded meanwhile is no part of it any more.
      bar.setTotal(progress.totalBytes ?? 0);
      bar.update(progress.bytesRead, { counts });
    },
    note(line) {
      // The bar is drawn again below the line.
      if (isStarted) process.stderr.write('\r\x1b[K');
      note(line);
    },
    end: () => bar.stop(),
  };
}

function plainLines(stream: string, note: (line: string) => void): ProgressDisplay {
  const startedMs = performance.now();
  let dueMs = startedMs + plainLineEveryMs;
  return {
    show(progress) {
      if (performance.now() < dueMs) return;
      dueMs = performance.now() + plainLineEveryMs;
      const { bytesRead, totalBytes } = progress;
      const share = totalBytes ? ` ${Math.floor((100 * bytesRead) / totalBytes)} %` : '';
      note(`${stream}:${share} · ${countsOf(progress, (performance.now() - startedMs) / 1_000)}`);
    },
    note,
    end: () => undefined,
  };
}

/** `3 of 31 files · 27,004 read · 12,859 a second · 2 dead letters · 1 min 20 s left` */
export function countsOf(progress: LoadProgress, seconds: number): string {
  const { filesDone, files, bytesRead, totalBytes, read, rejected } = progress;
  const leftSeconds =
    totalBytes === undefined || bytesRead === 0
      ? undefined
      : ((totalBytes - bytesRead) / bytesRead) * seconds;
  return [
    ...(files > 1 ? [`${count(filesDone)} of ${count(files)} files`] : []),
    `${count(read)} read`,
    `${count(Math.round(read / Math.max(seconds, 0.001)))} a second`,
    ...(rejected > 0 ? [`${count(rejected)} dead letters`] : []),
    ...(leftSeconds === undefined ? [] : [`${duration(leftSeconds)} left`]),
  ].join(' · ');
}

/** `5 s`, `1 min 20 s`, `2 h 5 min` */
function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3_600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${count(Math.floor(whole / 3_600))} h ${Math.floor((whole % 3_600) / 60)} min`;
}
