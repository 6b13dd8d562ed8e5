import { setTimeout as sleep } from 'node:timers/promises';
import { WindrowError } from '@windrow/runtime';
import { endOf, eventsOf, type SimulationOptions } from './options.ts';
import { maxBatchMessages, type Sink } from './sink.ts';
import { type Counts, Tally } from './tally.ts';
import { type Delivery, timelineOf } from './timeline.ts';

/** Batches that may wait for their acknowledgement while the next ones are generated. */
const maxPendingBatches = 4;
/** Messages that are due within this time are sent together. */
const tickMs = 20;

export interface SimulationProgress {
  /** Acknowledged events, without repeats. */
  events: number;
  totalEvents: number;
  seconds: number;
}

export interface SimulationResult extends Counts {
  totalEvents: number;
  sessions: number;
  riders: number;
  seconds: number;
  /** The signal stopped it before the end. */
  interrupted: boolean;
}

export interface SimulationRun {
  sink: Sink;
  signal: AbortSignal;
  onProgress?: (progress: SimulationProgress) => void;
}

/**
 * Sends a simulation's messages in real time, or as fast as the sink accepts them if that is slower. After the signal it waits
 * for the messages that are being sent, and the result counts them.
 * @throws errors of the sink
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
    const sent = sink.send(sending).then((rejections) => {
      tally.add(sending, rejections);
      progress();
    });
    // It is awaited later. Until then, a failure must not become an unhandled rejection.
    sent.catch(() => undefined);
    pending.push(sent);
    if (pending.length >= maxPendingBatches) await pending.shift();
  };

  /** Sends the batch, then waits for the simulated time. */
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
    // After the signal, the client's error is only the consequence.
    if (!signal.aborted) throw withSentCount(error, tally.counts);
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

function withSentCount(error: unknown, { messages }: Counts): unknown {
  if (!(error instanceof WindrowError)) return error;
  const sent = `${messages} messages were sent before that`;
  return new WindrowError(error.code, `${error.message}; ${sent}`, { cause: error });
}
