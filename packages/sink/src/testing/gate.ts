import type { FetchedRange } from '@windrow/pipeline';
import type { Claim, Destination, MicroBatch } from '../destination.ts';

/** Holds micro-batches back before they land, and remembers how landing ended. */
export class Gate {
  /** Micro-batches that have come to the gate. */
  arrivals = 0;
  /** What `land` has thrown. */
  readonly errors: unknown[] = [];
  #opened = Promise.withResolvers<void>();

  /** @param isOpen an open gate holds nothing back */
  constructor(isOpen = false) {
    if (isOpen) this.open();
  }

  open(): void {
    this.#opened.resolve();
  }

  /** The same destination, behind this gate. */
  before<Batch extends MicroBatch, C extends Claim, Fetched extends FetchedRange>(
    inner: Destination<Batch, C, Fetched>,
  ): Destination<Batch, C, Fetched> {
    return {
      ...{ stream: inner.stream, topic: inner.topic, table: inner.table, howToReset: inner.howToReset },
      claim: (partitions, retained) => inner.claim(partitions, retained),
      revoke: () => inner.revoke?.(),
      newBatch: (claim) => inner.newBatch(claim),
      decode: (fetched) => inner.decode(fetched),
      land: async (batch, landing) => {
        this.arrivals += 1;
        await this.#opened.promise;
        try {
          await inner.land(batch, landing);
        } catch (error) {
          this.errors.push(error);
          throw error;
        }
      },
      release: (batch) => inner.release?.(batch),
      trim: () => inner.trim?.(),
      onExpired: (offsets) => inner.onExpired(offsets),
      close: async () => inner.close?.(),
    };
  }
}
