import type { Claim, LakeTable } from '@windrow/lake';
import { type Logger, WindrowError } from '@windrow/runtime';
import type { Feed } from './feeds.ts';

/** A sink that has nothing to land sees within two of these that its ledger was set back. Each lists every table's log. */
const checkEveryMs = 10_000;

interface ClaimChecksOptions {
  log: Logger;
  /** With LEDGER_LOST: claim again. */
  onLost(error: WindrowError): void;
}

interface Watched {
  readonly table: LakeTable;
  readonly claim: Claim;
  wasLost: boolean;
}

/**
 * Looks now and then whether the claims still stand. Whoever commits sees it anyway; but after a restore there is something
 * to land again, and a sink whose topics are silent would commit nothing. In a rebalance another instance may claim before this
 * one is told of its new assignment, and claiming what was its own then would only disturb; so a claim has to be gone twice.
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

  /** Before they are claimed anew: that would look as if they were lost. */
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
          this.#options.log.debug({ table: name, err: error }, 'claim not checked; again later');
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
