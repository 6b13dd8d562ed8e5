import { setTimeout as sleep } from 'node:timers/promises';
import { enricherGroup } from '@windrow/contracts';
import { type Ends, lakeLedger, openLog, positionsOf, postgresLedger } from '@windrow/operations';
import type { Instance } from './instance.ts';
import type { Platform } from './platform.ts';

const lookEveryMs = 1_000;
const raw = 'track.raw';
const enriched = 'track.enriched';

export interface Recovery {
  /** The time until the target of the fault was ready again: the process, or all instances that no other fault kept away. */
  readyMs?: number;
  /** The time until all events that had arrived by the end of the fault were committed to the lake and Postgres. */
  landedMs?: number;
}

interface Watched {
  recovery: Recovery;
  struck: Instance | undefined;
  endedMs: number;
  /** The offsets that the enricher has to reach, and then the sinks. */
  raw?: Ends;
  enriched?: Ends;
}

/** Measures the time to recover after each fault. Other faults may run meanwhile. */
export class RecoveryWatch {
  readonly #platform: Platform;
  readonly #watched = new Set<Watched>();
  readonly #looking: Promise<void>;
  #stopped = false;

  constructor(platform: Platform) {
    this.#platform = platform;
    this.#looking = this.#look();
  }

  /** Starts to measure. The returned object is filled in as results are observed. */
  begin(struck?: Instance): Recovery {
    const recovery: Recovery = {};
    this.#watched.add({ recovery, struck, endedMs: performance.now() });
    return recovery;
  }

  get open(): number {
    return this.#watched.size;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#looking;
  }

  async #look(): Promise<void> {
    while (!this.#stopped) {
      if (this.#watched.size > 0) {
        const watched = [...this.#watched];
        await Promise.all([
          this.#lookAtReadiness(watched),
          // If a part is unavailable now, the next iteration asks it again.
          this.#lookAtLanding(watched).catch(() => undefined),
        ]);
        for (const one of watched) {
          const { readyMs, landedMs } = one.recovery;
          if (readyMs !== undefined && landedMs !== undefined) this.#watched.delete(one);
        }
      }
      await sleep(lookEveryMs);
    }
  }

  async #lookAtReadiness(watched: Watched[]): Promise<void> {
    const instances = [...this.#platform.instances.values()];
    const needed = instances.filter(({ running, struck }) => running && !struck);
    const ready = new Set<Instance>();
    for (const instance of needed) if ((await instance.health()).ready) ready.add(instance);
    for (const { recovery, struck, endedMs } of watched) {
      const isReady = struck ? ready.has(struck) || !struck.running : ready.size === needed.length;
      if (isReady) recovery.readyMs ??= performance.now() - endedMs;
    }
  }

  async #lookAtLanding(watched: Watched[]): Promise<void> {
    const { installation } = this.#platform;
    const { broker } = installation;
    const [rawEnds, committed] = await Promise.all([
      broker.endOffsets(raw),
      broker.committedOffsets(enricherGroup, raw),
    ]);
    // Read after the enricher's positions, so that its output up to these positions is included.
    const enrichedEnds = await broker.endOffsets(enriched);
    const log = await openLog(installation, { path: 'curated/track', topic: enriched });
    const lake = positionsOf(lakeLedger(log, enriched));
    const postgres = positionsOf(await postgresLedger(installation, enriched));
    for (const one of watched) {
      one.raw ??= rawEnds;
      if (!one.enriched && isAt(committed, one.raw)) one.enriched = enrichedEnds;
      if (one.enriched && isAt(lake, one.enriched) && isAt(postgres, one.enriched)) {
        one.recovery.landedMs ??= performance.now() - one.endedMs;
      }
    }
  }
}

function isAt(position: Ends, ends: Ends): boolean {
  return [...ends].every(([partition, end]) => (position.get(partition) ?? 0) >= end);
}
