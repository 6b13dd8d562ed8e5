import type { Rejection } from '../producer-client.ts';
import type { Delivery } from './timeline.ts';

/** The destination of a simulation's messages. */
export interface Sink {
  /**
   * Sends at most {@link maxBatchMessages} messages of one stream. Fulfilled when Kafka has acknowledged them, with those that
   * the producer rejected. Calls may overlap. The messages of a rider keep their order, and observations are sent before all
   * later messages.
   */
  send(batch: readonly Delivery[]): Promise<Rejection[]>;
  close(): Promise<void>;
}

/** The Kafka client sends so many records in one request. */
export const maxBatchMessages = 1_000;
