import { setTimeout as sleep } from 'node:timers/promises';
import type { Readiness } from '@windrow/runtime';
import type { Broker } from './broker.ts';

const checkEveryMs = 2_000;

/**
 * Keeps the condition `broker` true to whether Kafka answers: a consumer tries again by itself, and an idle one notices
 * nothing. `topic`: any that is asked for. @returns what ends the watching
 */
export function watchBroker(
  broker: Broker,
  topic: string,
  readiness: Pick<Readiness, 'met' | 'unmet'>,
): () => void {
  const ending = new AbortController();
  const { signal } = ending;
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
  return () => ending.abort();
}
