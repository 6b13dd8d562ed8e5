import { setTimeout as sleep } from 'node:timers/promises';
import type { Readiness } from '@windrow/runtime';
import type { Broker } from './broker.ts';

const checkEveryMs = 2_000;

/**
 * Sets the readiness condition `broker` by asking Kafka regularly. A consumer doesn't report an outage: it retries by itself,
 * and an idle one doesn't notice it.
 * @param topic any topic, to ask for its description
 * @returns a function that stops the watching
 */
export function watchBroker(
  broker: Broker,
  topic: string,
  readiness: Pick<Readiness, 'met' | 'unmet'>,
): () => void {
  const stopping = new AbortController();
  const { signal } = stopping;
  const watch = async () => {
    while (!signal.aborted) {
      try {
        await broker.describeTopics([topic]);
        readiness.met('broker');
      } catch (error) {
        readiness.unmet('broker', error instanceof Error ? error.message : String(error));
      }
      await sleep(checkEveryMs, undefined, { signal }).catch(() => undefined);
    }
  };
  void watch();
  return () => stopping.abort();
}
