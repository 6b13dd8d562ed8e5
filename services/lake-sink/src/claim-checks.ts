import type { Claim, LakeTable } from '@windrow/lake';
import { type Logger, WindrowError } from '@windrow/runtime';
import type { Feed } from './feeds.ts';

/** A sink without new events notices a restored table within two checks. Each check lists the log of every table. */
const checkEveryMs = 10_000;

interface ClaimChecksOptions {
  log: Logger;
  /** Called with LEDGER_LOST when the sink must claim its tables again. */
  onLost(error: WindrowError): void;
}

interface Watched {
  readonly table: LakeTable;
  readonly claim: Claim;
  wasLost: boolean;
}

/**
 * Checks regularly whether the claims still hold. A commit notices a lost claim anyway. But after a restore the sink must write
 * rows again, and without new events it would not commit. In a rebalance another instance may claim before this one gets its new
 * assignment, and a new claim of this one would disturb the other. So two checks in a row must find the claim lost.
 */
export class ClaimChecks {
  readonly #options: ClaimChecksOptions;
  readonly #watched = new Map<string, Watched>();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;

  constructor(options: ClaimChecksOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#running ??= this.#round().finally(() => {
        this.#running = undefined;
      });
    }, checkEveryMs);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.forget();
  }

  watch(table: LakeTable, { table: name }: Feed, claim: Claim): void {
    if (claim.epochs.size > 0) this.#watched.set(name, { table, claim, wasLost: false });
  }

  /** Forgets the claims before new ones are made. Otherwise the old ones would look lost. */
  forget(): void {
    this.#watched.clear();
  }

  async #round(): Promise<void> {
    for (const [name, watched] of [...this.#watched]) {
      try {
        await watched.table.assertHeld(watched.claim);
      } catch (error) {
        if (this.#watched.get(name) !== watched) continue;
        if (!(error instanceof WindrowError && error.code === 'LEDGER_LOST')) {
          this.#options.log.debug({ table: name, err: error }, 'cannot check the claim; will retry');
          continue;
        }
        if (!watched.wasLost) {
          watched.wasLost = true;
          continue;
        }
        this.forget();
        this.#options.onLost(error);
      }
    }
  }
}
