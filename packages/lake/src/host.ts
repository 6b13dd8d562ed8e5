import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

/** What the protocol takes from its surroundings besides the store; a simulation brings a seeded one. */
export interface Host {
  nowMs(): number;
  /** Unique among all writers. */
  newId(): string;
  /** Waits for a random part of `atMostMs` ("full jitter"). */
  pause(atMostMs: number): Promise<void>;
}

export const systemHost: Host = {
  nowMs: () => Date.now(),
  newId: () => randomUUID(),
  pause: async (atMostMs) => {
    await sleep(Math.random() * atMostMs);
  },
};
