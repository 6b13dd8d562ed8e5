import type { EventRecord } from './avro/avro-record.ts';
import type { InputWarning, StreamContract } from './contract.ts';

/** A smaller difference is no error: requests take time. */
const toleratedMs = 60_000;

/**
 * Moves the event time by the difference between the times of sending and of receipt, as Segment does. The times stay as they were sent
 * if the difference is above the contract's limit, or if the event was sent before it happened: otherwise the event would
 * move to a time that nobody sent. An event may be much older than its sending: phones keep events while they are offline.
 */
export function correctClock(
  { clock, sentTime = '', eventTime }: StreamContract,
  record: EventRecord,
  receivedAtMs: number,
  warnings: InputWarning[],
): void {
  const sentMs = record[sentTime];
  if (clock === undefined || typeof sentMs !== 'number') return;
  const errorMs = receivedAtMs - sentMs;
  if (Math.abs(errorMs) <= toleratedMs) return;
  const timeMs = record[eventTime] as number;
  if (timeMs > sentMs + toleratedMs) warnings.push('clock_implausible');
  else if (Math.abs(errorMs) <= clock.maxErrorMs) record[eventTime] = timeMs + errorMs;
}
