import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

/** The clock, the ids and the waits that the protocol uses. Tests pass seeded ones. */
export interface Host {
  nowMs(): number;
  /** Unique among all writers. */
  newId(): string;
  /** Sleeps for a random time of up to `atMostMs` ("full jitter"). */
  pause(atMostMs: number): Promise<void>;
}

export const systemHost: Host = {
  nowMs: () => Date.now(),
  newId: () => randomUUID(),
  pause: async (atMostMs) => {
    await sleep(Math.random() * atMostMs);
  },
};
