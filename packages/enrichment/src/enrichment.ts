import {
  type AsOfJoin,
  type AvroRegistry,
  type Step,
  type StreamContract,
  streamNamed,
} from '@windrow/contracts';
import type { Broker } from '@windrow/pipeline';
import { rowMaker } from './reference-table.ts';
import { type RunSteps, runSteps } from './run-steps.ts';
import { TableFeed } from './table-feed.ts';

export interface EnrichmentOptions {
  contract: StreamContract;
  /** All streams: the tables of the joins are among them. */
  contracts: StreamContract[];
  broker: Pick<Broker, 'read' | 'endOffsets'>;
  registry: AvroRegistry;
}

/** The steps of one stream, ready to run, with the tables that its joins read. The enricher and replays run the same. */
export class Enrichment {
  readonly contract: StreamContract;
  readonly run: RunSteps;
  readonly feeds: readonly TableFeed[];

  private constructor(contract: StreamContract, feeds: Map<Step, TableFeed>) {
    this.contract = contract;
    this.feeds = [...feeds.values()];
    this.run = runSteps(contract, feeds);
  }

  /**
   * Starts to read the tables; {@link current} waits until they are complete.
   * @throws WindrowError KAFKA_UNAVAILABLE, with nothing left open
   */
  static async open({ contract, contracts, broker, registry }: EnrichmentOptions): Promise<Enrichment> {
    const feeds = new Map<Step, TableFeed>();
    try {
      for (const join of joinsOf(contract)) {
        const table = streamNamed(contracts, join.table);
        const toRow = rowMaker(join, table);
        feeds.set(join, await TableFeed.open({ broker, registry, contract: table, toRow }));
      }
      return new Enrichment(contract, feeds);
    } catch (error) {
      await Promise.all([...feeds.values()].map((feed) => feed.close()));
      throw error;
    }
  }

  /** Rejects when a table can't be read any more. */
  get failed(): Promise<never> {
    return Promise.race(this.feeds.map((feed) => feed.failed));
  }

  /** Waits until the tables have everything that was in their topics at the time of the call. */
  async current(signal: AbortSignal): Promise<void> {
    await Promise.all(this.feeds.map((feed) => feed.current(signal)));
  }

  async close(): Promise<void> {
    await Promise.all(this.feeds.map((feed) => feed.close()));
  }
}

/** The as-of joins of a stream, in the order of its steps. */
export function joinsOf({ steps = [] }: StreamContract): AsOfJoin[] {
  return steps.filter((step) => step.kind === 'asOfJoin');
}
