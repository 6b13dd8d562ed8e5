import { WindrowError } from '@windrow/runtime';
import type { CommandContext } from './context.ts';

/** @throws WindrowError USAGE where no terminal is there to confirm a change */
export function assertAskable({ ask }: CommandContext): void {
  if (ask) return;
  const message =
    'this changes a table, and no terminal is there to confirm it: add --yes, or --dry-run to see the changes first';
  throw new WindrowError('USAGE', message);
}

/** Whether the user confirms a change. Without a terminal nobody does. */
export async function confirmed({ ask }: CommandContext, question: string): Promise<boolean> {
  const answer = (await ask?.(`${question} [y/N] `)) ?? '';
  return /^y(es)?$/i.test(answer.trim());
}
