import { WindrowError } from '@windrow/runtime';
import type { Feed } from './feeds.ts';

/**
 * A topic that ends before the ledger is not the topic of which the ledger speaks.
 * @throws WindrowError LEDGER_AHEAD
 */
export function refuseForeignLedger(
  { topic, table }: Feed,
  partition: number,
  nextOffset: number,
  end: number,
): void {
  if (nextOffset <= end) return;
  const message = `the ledger of lake table ${table} is at offset ${nextOffset} of ${topic}/${partition}, which ends at ${end}: the topic was made anew. To load it from its start, give the stream another table, or delete this one`;
  throw new WindrowError('LEDGER_AHEAD', message);
}
