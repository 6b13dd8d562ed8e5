import type { Refusal } from '../producer-client.ts';
import type { Delivery } from './timeline.ts';

/** Where a simulation's messages go. */
export interface Sink {
  /**
   * Messages of one stream, at most {@link maxBatchMessages}. Fulfilled when Kafka has them, with those that were refused on
   * the way. Calls may overlap; the messages of a rider, and those of the weather before all later ones, keep their order.
   */
  send(batch: readonly Delivery[]): Promise<Refusal[]>;
  close(): Promise<void>;
}

/** What one call of the Kafka client takes whole. */
export const maxBatchMessages = 1_000;
