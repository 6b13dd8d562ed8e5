import { partitionName } from '@windrow/contracts';
import { WindrowError } from '@windrow/runtime';
import type { LedgerPosition } from './destination.ts';

/**
 * Refuses to start where the topic ends before the ledger's position: the ledger is of an earlier topic of the same name.
 * @throws WindrowError LEDGER_AHEAD
 */
export function refuseForeignLedger(
  of: { readonly topic: string; readonly table: string; readonly howToReset: string },
  { partition, nextOffset }: LedgerPosition,
  end: number,
): void {
  if (nextOffset <= end) return;
  const name = partitionName({ topic: of.topic, partition });
  const message = `the ledger of ${of.table} is at offset ${nextOffset} of ${name}, but the partition ends at ${end}: the topic was deleted and created again. To load the topic from its start, ${of.howToReset}`;
  throw new WindrowError('LEDGER_AHEAD', message);
}
