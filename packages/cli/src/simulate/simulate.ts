import { setTimeout as sleep } from 'node:timers/promises';
import { WindrowError } from '@windrow/runtime';
import { endOf, eventsOf, type SimulationOptions } from './options.ts';
import { maxBatchMessages, type Sink } from './sink.ts';
import { type Counts, Tally } from './tally.ts';
import { type Delivery, timelineOf } from './timeline.ts';

/** Batches that may wait for Kafka while the next ones are made. */
const maxPendingBatches = 4;
/** What falls due within this time goes out together. */
const tickMs = 20;

export interface SimulationProgress {
  /** Acknowledged, repeats not counted. */
  events: number;
  totalEvents: number;
  seconds: number;
}

export interface SimulationResult extends Counts {
  totalEvents: number;
  sessions: number;
  riders: number;
  seconds: number;
  /** Stopped by the signal before its end. */
  interrupted: boolean;
}

export interface SimulationRun {
  sink: Sink;
  signal: AbortSignal;
  onProgress?: (progress: SimulationProgress) => void;
}

/**
 * Sends a simulation's messages at the pace of its own time, or as fast as the sink takes them where that is slower. When the
 * signal comes, what is under way is still waited for, and the result says what was sent. Errors: those of the sink
 */
export async function simulate(
  options: SimulationOptions,
  { sink, signal, onProgress }: SimulationRun,
): Promise<SimulationResult> {
  const timeline = timelineOf(options);
  const begunMs = performance.now();
  const totalEvents = eventsOf(options);
  const lengthMs = endOf(options) - options.startMs;
  const tally = new Tally();
  const seconds = () => (performance.now() - begunMs) / 1_000;
  const progress = () => onProgress?.({ events: tally.counts.events, totalEvents, seconds: seconds() });
  const pending: Promise<void>[] = [];
  let batch: Delivery[] = [];
  let complete = false;

  const flush = async (): Promise<void> => {
    if (batch.length === 0) return;
    const sending = batch;
    batch = [];
    const sent = sink.send(sending).then((refusals) => {
      tally.add(sending, refusals);
      progress();
    });
    // It is awaited in its turn; until then a failure must not count as unhandled.
    sent.catch(() => undefined);
    pending.push(sent);
    if (pending.length >= maxPendingBatches) await pending.shift();
  };

  /** Until the simulation's time has come; what is ready goes out before. */
  const waitFor = async (aheadMs: number): Promise<void> => {
    await flush();
    progress();
    await sleep(Math.max(tickMs, aheadMs), undefined, { signal }).catch(() => undefined);
  };

  try {
    for (const delivery of timeline.deliveries) {
      if (delivery.stream !== batch[0]?.stream || batch.length === maxBatchMessages) await flush();
      const aheadMs = Math.min(delivery.atMs - options.startMs, lengthMs) - (performance.now() - begunMs);
      if (aheadMs > 0) await waitFor(aheadMs);
      if (signal.aborted) break;
      batch.push(delivery);
    }
    complete = !signal.aborted;
    await flush();
    await Promise.all(pending);
  } catch (error) {
    // A client that gave up because of the signal is no failure of its own.
    if (!signal.aborted) throw withHowFar(error, tally.counts);
  } finally {
    await Promise.allSettled(pending);
  }

  return {
    ...tally.counts,
    totalEvents,
    sessions: timeline.sessions,
    riders: timeline.riders,
    seconds: seconds(),
    interrupted: !complete,
  };
}

function withHowFar(error: unknown, { messages }: Counts): unknown {
  if (!(error instanceof WindrowError)) return error;
  const far = `${messages} messages before that were sent.`;
  return new WindrowError(error.code, `${error.message}; ${far}`, { cause: error });
}
