import { Presets, SingleBar } from 'cli-progress';
import type { CommandContext } from '../context.ts';
import { count } from '../tables.ts';
import type { SimulationProgress } from './simulate.ts';

const plainLineEveryMs = 3_000;

export interface ProgressDisplay {
  show(progress: SimulationProgress): void;
  end(): void;
}

/** Progress on standard error: a bar on a terminal, otherwise a line every three seconds. */
export function progressDisplay({ interactive, note }: CommandContext): ProgressDisplay {
  return interactive ? progressBar() : plainLines(note);
}

const rateOf = ({ events, seconds }: SimulationProgress) =>
  count(Math.round(events / Math.max(seconds, 0.001)));

function progressBar(): ProgressDisplay {
  const bar = new SingleBar(
    {
      format: '[{bar}] {percentage} % · {sent} of {all} events · {rate} a second',
      stream: process.stderr,
      hideCursor: true,
      barsize: 24,
      gracefulExit: true,
    },
    Presets.shades_classic,
  );
  let isStarted = false;
  return {
    show(progress) {
      const { events, totalEvents } = progress;
      const counts = { sent: count(events), all: count(totalEvents), rate: rateOf(progress) };
      if (isStarted) return bar.update(events, counts);
      isStarted = true;
      bar.start(totalEvents, events, counts);
    },
    end: () => bar.stop(),
  };
}

function plainLines(note: (line: string) => void): ProgressDisplay {
  let dueMs = performance.now() + plainLineEveryMs;
  return {
    show(progress) {
      if (performance.now() < dueMs) return;
      dueMs = performance.now() + plainLineEveryMs;
      const { events, totalEvents } = progress;
      note(`${count(events)} of ${count(totalEvents)} events, ${rateOf(progress)} a second`);
    },
    end: () => undefined,
  };
}
