import type { EventRecord } from './avro/avro-record.ts';
import type { StreamContract } from './contract.ts';
import { type QualityNote, qualityNote } from './quality.ts';
import { isoTime } from './time/time-bounds.ts';

/** A smaller difference is no error: requests take time. */
const toleratedMs = 60_000;

/**
 * Moves the event time by the difference between the times of sending and of receipt, as Segment does. The times stay as they were sent
 * if the difference is above the contract's limit, or if the event was sent before it happened: otherwise the event would
 * move to a time that nobody sent. An event may be much older than its sending: phones keep events while they are offline.
 * @returns the doubt for which the times stay
 */
export function correctClock(
  { clock, sentTime = '', eventTime }: StreamContract,
  record: EventRecord,
  receivedAtMs: number,
): QualityNote | undefined {
  const sentMs = record[sentTime];
  if (clock === undefined || typeof sentMs !== 'number') return undefined;
  const errorMs = receivedAtMs - sentMs;
  if (Math.abs(errorMs) <= toleratedMs) return undefined;
  const timeMs = record[eventTime] as number;
  const doubt = (reason: string, message: string) =>
    qualityNote(sentTime, reason, isoTime(sentMs), `${sentTime} is ${isoTime(sentMs)}, ${message}`);
  if (timeMs > sentMs + toleratedMs)
    return doubt('clock_implausible', `before ${eventTime}, ${isoTime(timeMs)}`);
  if (Math.abs(errorMs) > clock.maxErrorMs)
    return doubt('clock_skew', `too far from the time of receipt, ${isoTime(receivedAtMs)}`);
  record[eventTime] = timeMs + errorMs;
  return undefined;
}
